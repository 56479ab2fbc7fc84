// The franz-go client, driven by tests over standard input and output. It takes the same words as
// the Java program of testcontainers (java/JavaConsumer.java) and prints the same lines.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	absent      = "-"
	present     = "0x"
	pollTimeout = 100 * time.Millisecond
	callTimeout = 30 * time.Second
)

func main() {
	words := os.Args[1:]
	switch words[0] {
	case "consume":
		consume(words[1:])
	case "produce":
		produce(words[1:])
	case "read":
		read(words[1:])
	case "transact":
		transact(words[1:])
	case "copy":
		copyRecords(words[1:])
	default:
		panic(words[0])
	}
	say("CLOSED")
}

// bootstrap, group, topics separated by commas, assignor, client id, instance id or -, key=value...
func consume(words []string) {
	ctx := untilStopped()
	options := append(settings(words[0], words[6:]),
		kgo.ConsumerGroup(words[1]),
		kgo.ConsumeTopics(strings.Split(words[2], ",")...),
		kgo.Balancers(told{balancer(words[3])}),
		kgo.ClientID(words[4]),
		kgo.DisableAutoCommit(),
		// No partition goes while its records are being shown and committed.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, client *kgo.Client, partitions map[string][]int32) {
			tell(client, "ASSIGNED", partitions)
			tellCommitted(client, words[1], partitions)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, client *kgo.Client, partitions map[string][]int32) {
			// What was shown is committed before somebody else goes on.
			commit(client, words[4])
			tell(client, "REVOKED", partitions)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, client *kgo.Client, partitions map[string][]int32) {
			tell(client, "LOST", partitions)
		}),
	)
	if words[5] != absent {
		options = append(options, kgo.InstanceID(words[5]))
	}
	client := connect(options)
	say("SUBSCRIBED")
	for ctx.Err() == nil {
		pollOnce(ctx, client, words[4])
	}
	client.CloseAllowingRebalance()
}

// A balancer that tells when it divides: then this member leads.
type told struct{ kgo.GroupBalancer }

func (t told) MemberBalancer(members []kmsg.JoinGroupResponseMember) (kgo.GroupMemberBalancer, map[string]struct{}, error) {
	say("DIVIDED")
	return t.GroupBalancer.MemberBalancer(members)
}

// Tells which partitions come or go, and in which generation.
func tell(client *kgo.Client, event string, partitions map[string][]int32) {
	_, generation := client.GroupMetadata()
	say(fmt.Sprintf("GENERATION %d", generation))
	say(event + names(partitions))
}

// Tells what was committed for these partitions, with the metadata, which only a request shows.
func tellCommitted(client *kgo.Client, group string, partitions map[string][]int32) {
	if len(partitions) == 0 {
		return
	}
	request := kmsg.NewPtrOffsetFetchRequest()
	asked := kmsg.NewOffsetFetchRequestGroup()
	asked.Group = group
	for name, numbers := range partitions {
		topic := kmsg.NewOffsetFetchRequestGroupTopic()
		topic.Topic, topic.Partitions = name, numbers
		asked.Topics = append(asked.Topics, topic)
	}
	request.Groups = append(request.Groups, asked)
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		say("FOUND_NOT " + err.Error())
		return
	}
	for _, topic := range answer.Groups[0].Topics {
		for _, found := range topic.Partitions {
			if found.Offset >= 0 {
				say(fmt.Sprintf("FOUND %s %d %d %s %s", topic.Topic, found.Partition, found.Offset,
					epoch(found.LeaderEpoch), metadata(found.Metadata)))
			}
		}
	}
}

func epoch(number int32) string {
	if number < 0 {
		return absent
	}
	return strconv.Itoa(int(number))
}

func metadata(text *string) string {
	if text == nil || *text == "" {
		return absent
	}
	return *text
}

// Lives until the end of the input or SIGTERM.
func untilStopped() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return ctx
}

func pollOnce(ctx context.Context, client *kgo.Client, clientID string) {
	limited, cancel := context.WithTimeout(ctx, pollTimeout)
	fetches := client.PollFetches(limited)
	cancel()
	defer client.AllowRebalance()
	fetches.EachRecord(func(record *kgo.Record) {
		say(fmt.Sprintf("RECORD %s %d %d %s", record.Topic, record.Partition, record.Offset, record.Key))
	})
	if fetches.NumRecords() == 0 {
		return
	}
	commit(client, clientID)
}

// Commits what was shown, with the client id as its metadata.
func commit(client *kgo.Client, clientID string) {
	// The stop must not lose the commit of what was already shown.
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	ctx = kgo.PreCommitFnContext(ctx, func(request *kmsg.OffsetCommitRequest) error {
		for i := range request.Topics {
			for j := range request.Topics[i].Partitions {
				request.Topics[i].Partitions[j].Metadata = &clientID
			}
		}
		return nil
	})
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		say("COMMIT_FAILED " + err.Error())
	} else {
		say("COMMITTED")
	}
}

// bootstrap, topic, key=value...; then one record a line: partition timestamp key value headers.
func produce(words []string) {
	client := connect(append(settings(words[0], words[2:]), kgo.RecordPartitioner(kgo.ManualPartitioner())))
	ctx := context.Background()
	input := bufio.NewReader(os.Stdin)
	var results []chan error
	var records []*kgo.Record
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			break
		}
		record := parse(strings.Fields(line))
		record.Topic = words[1]
		result := make(chan error, 1)
		client.Produce(ctx, record, func(_ *kgo.Record, err error) { result <- err })
		results = append(results, result)
		records = append(records, record)
	}
	check(client.Flush(ctx))
	for i, result := range results {
		check(<-result)
		say(fmt.Sprintf("PRODUCED %d %d", records[i].Partition, records[i].Offset))
	}
	client.Close()
}

// bootstrap, topic, key=value...; reads as many records of partition 0 as the setting records says.
func read(words []string) {
	var count int
	var rest []string
	for _, word := range words[2:] {
		if number, isCount := strings.CutPrefix(word, "records="); isCount {
			var err error
			count, err = strconv.Atoi(number)
			check(err)
		} else {
			rest = append(rest, word)
		}
	}
	start := map[string]map[int32]kgo.Offset{words[1]: {0: kgo.NewOffset().AtStart()}}
	client := connect(append(settings(words[0], rest), kgo.ConsumePartitions(start)))
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	for seen := 0; seen < count; {
		fetches := client.PollFetches(ctx)
		check(fetches.Err())
		fetches.EachRecord(func(record *kgo.Record) {
			kind := [...]string{"CreateTime", "LogAppendTime"}[record.Attrs.TimestampType()]
			say(fmt.Sprintf("READ %d %d %s %d %s %s %s", record.Partition, record.Offset, kind,
				record.Timestamp.UnixMilli(), text(record.Key), text(record.Value), headers(record.Headers)))
			seen++
		})
	}
	client.Close()
}

func connect(options []kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(options...)
	check(err)
	return client
}

// Settings by their names in Java.
func settings(bootstrap string, words []string) []kgo.Opt {
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.MetadataMaxAge(2 * time.Second),
	}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "session.timeout.ms":
			options = append(options, kgo.SessionTimeout(milliseconds(value)))
		case "heartbeat.interval.ms":
			options = append(options, kgo.HeartbeatInterval(milliseconds(value)))
		case "linger.ms":
			options = append(options, kgo.ProducerLinger(milliseconds(value)))
		case "isolation.level":
			if value == "read_committed" {
				options = append(options, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
			}
		case "compression.type":
			options = append(options, kgo.ProducerBatchCompression(codec(value)))
		case "enable.idempotence":
			if value == "false" {
				options = append(options, kgo.DisableIdempotentWrite())
			}
		default:
			panic(word)
		}
	}
	return options
}

func milliseconds(text string) time.Duration {
	count, err := strconv.Atoi(text)
	check(err)
	return time.Duration(count) * time.Millisecond
}

func codec(name string) kgo.CompressionCodec {
	return map[string]kgo.CompressionCodec{
		"none":   kgo.NoCompression(),
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}[name]
}

func balancer(name string) kgo.GroupBalancer {
	return map[string]kgo.GroupBalancer{
		"range":              kgo.RangeBalancer(),
		"roundrobin":         kgo.RoundRobinBalancer(),
		"sticky":             kgo.StickyBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer(),
	}[name]
}

func parse(fields []string) *kgo.Record {
	partition, err := strconv.Atoi(fields[0])
	check(err)
	record := &kgo.Record{Partition: int32(partition), Key: data(fields[2]), Value: data(fields[3])}
	if fields[1] != absent {
		timestamp, err := strconv.ParseInt(fields[1], 10, 64)
		check(err)
		record.Timestamp = time.UnixMilli(timestamp)
	}
	if fields[4] != absent {
		for _, header := range strings.Split(fields[4], ",") {
			name, value, _ := strings.Cut(header, ":")
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: string(data(name)), Value: data(value)})
		}
	}
	return record
}

func data(text string) []byte {
	if text == absent {
		return nil
	}
	bytes, err := hex.DecodeString(strings.TrimPrefix(text, present))
	check(err)
	return bytes
}

func text(bytes []byte) string {
	if bytes == nil {
		return absent
	}
	return present + hex.EncodeToString(bytes)
}

func headers(headers []kgo.RecordHeader) string {
	var texts []string
	for _, header := range headers {
		texts = append(texts, text([]byte(header.Key))+":"+text(header.Value))
	}
	if texts == nil {
		return absent
	}
	return strings.Join(texts, ",")
}

func names(partitions map[string][]int32) string {
	var names []string
	for topic, numbers := range partitions {
		for _, number := range numbers {
			names = append(names, fmt.Sprintf(" %s-%d", topic, number))
		}
	}
	sort.Strings(names)
	return strings.Join(names, "")
}

func say(line string) {
	fmt.Println(line)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
