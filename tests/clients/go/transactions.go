package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// bootstrap, transactional id, key=value...; then one call a line: begin, send topic partition key,
// commit or abort. Each is answered with DONE or FAILED, the call, and why. Offsets go with
// transactions in copyRecords only, as franz-go wants it.
func transact(words []string) {
	client := connect(append(settings(words[0], words[2:]),
		kgo.TransactionalID(words[1]), kgo.RecordPartitioner(kgo.ManualPartitioner())))
	attempt(client, []string{"init"})
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		attempt(client, strings.Fields(input.Text()))
	}
	client.Close()
}

func attempt(client *kgo.Client, fields []string) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if err := call(ctx, client, fields); err != nil {
		say("FAILED " + fields[0] + " " + err.Error())
	} else {
		say("DONE " + fields[0])
	}
}

func call(ctx context.Context, client *kgo.Client, fields []string) error {
	switch fields[0] {
	case "init":
		_, _, err := client.ProducerID(ctx)
		return err
	case "begin":
		return client.BeginTransaction()
	case "send":
		partition, err := strconv.Atoi(fields[2])
		check(err)
		record := &kgo.Record{Topic: fields[1], Partition: int32(partition), Key: []byte(fields[3]), Value: []byte{}}
		return client.ProduceSync(ctx, record).FirstErr()
	case "commit":
		return client.EndTransaction(ctx, kgo.TryCommit)
	case "abort":
		return client.EndTransaction(ctx, kgo.TryAbort)
	default:
		return fmt.Errorf("no call %s", fields[0])
	}
}

// bootstrap, group, id of client and transactions, topic to read, topic to write, key=value...
func copyRecords(words []string) {
	ctx := untilStopped()
	session, err := kgo.NewGroupTransactSession(append(settings(words[0], words[5:]),
		kgo.ConsumerGroup(words[1]),
		kgo.ClientID(words[2]),
		kgo.TransactionalID(words[2]),
		kgo.ConsumeTopics(words[3]),
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)...)
	check(err)
	say("SUBSCRIBED")
	for ctx.Err() == nil {
		copyOnce(ctx, session, words[4])
	}
	session.Close()
}

func copyOnce(ctx context.Context, session *kgo.GroupTransactSession, topic string) {
	limited, cancel := context.WithTimeout(ctx, pollTimeout)
	fetches := session.PollFetches(limited)
	cancel()
	if fetches.NumRecords() == 0 {
		return
	}
	check(session.Begin())
	fetches.EachRecord(func(record *kgo.Record) {
		copied := &kgo.Record{Topic: topic, Key: record.Key, Value: record.Value}
		session.Produce(context.Background(), copied, nil)
	})
	ending, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	isCommitted, err := session.End(ending, kgo.TryCommit)
	check(err)
	if isCommitted {
		say(fmt.Sprintf("COPIED %d", fetches.NumRecords()))
	} else {
		say("ABORTED by a rebalance")
	}
}
