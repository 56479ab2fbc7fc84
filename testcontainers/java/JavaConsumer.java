import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The Java clients, driven by tests over standard input and output: a member for groups that mix Java
 * and Weft, producers with and without transactions, and a reader that shows every byte of what another client wrote.
 *
 * <p>Each event is one flushed line. The end of standard input or SIGTERM asks for a clean end, which
 * CLOSED confirms. A program that cannot end within a few seconds of that ends anyway.
 */
public final class JavaConsumer {
    private static final Duration POLL_TIMEOUT = Duration.ofMillis(100);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);
    private static final long LAST_RESORT_MS = 15_000;
    private static final String ABSENT = "-";
    private static final String PRESENT = "0x";

    private static final AtomicBoolean stopping = new AtomicBoolean();

    private JavaConsumer() {}

    /** {@code consume|produce|read|transact|copy} and then what the method of that name lists. */
    public static void main(String[] arguments) throws Exception {
        List<String> words = Arrays.asList(arguments);
        List<String> rest = words.subList(1, words.size());
        switch (words.get(0)) {
            case "consume" -> consume(rest);
            case "produce" -> produce(rest);
            case "read" -> read(rest);
            case "transact" -> transact(rest);
            case "copy" -> copy(rest);
            default -> throw new IllegalArgumentException(words.get(0));
        }
        say("CLOSED");
    }

    /**
     * bootstrap, group, topics separated by commas, assignors separated by commas or -, client id, instance id or -,
     * key=value...
     *
     * <p>Each commit carries the client id as its metadata.
     */
    private static void consume(List<String> words) {
        Properties properties = consumerProperties(words.get(0));
        properties.put("group.id", words.get(1));
        List<String> topics = Arrays.asList(words.get(2).split(","));
        if (!words.get(3).equals(ABSENT)) {
            properties.put("partition.assignment.strategy", assignors(words.get(3)));
        }
        properties.put("client.id", words.get(4));
        if (!words.get(5).equals(ABSENT)) {
            properties.put("group.instance.id", words.get(5));
        }
        override(properties, words.subList(6, words.size()));

        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties);
        stopWhenAsked(consumer::wakeup);
        stopAtEndOfInput(consumer::wakeup);
        try {
            Narrator narrator = new Narrator(consumer, words.get(4));
            consumer.subscribe(topics, narrator);
            say("SUBSCRIBED");
            while (!stopping.get()) {
                pollOnce(consumer, narrator);
            }
        } catch (WakeupException e) {
            // Only a stop wakes the consumer up.
        } finally {
            consumer.close(CLOSE_TIMEOUT);
        }
    }

    private static void pollOnce(KafkaConsumer<byte[], byte[]> consumer, Narrator narrator) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL_TIMEOUT);
        if (records.isEmpty()) {
            return;
        }
        for (ConsumerRecord<byte[], byte[]> record : records) {
            String key = record.key() == null ? ABSENT : new String(record.key(), StandardCharsets.UTF_8);
            say("RECORD " + record.topic() + " " + record.partition() + " " + record.offset() + " " + key);
            narrator.shown(record);
        }
        narrator.commit();
    }

    /** bootstrap, topic, key=value...; then one record a line: partition timestamp key value headers. */
    private static void produce(List<String> words) throws IOException, InterruptedException, ExecutionException {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", words.get(0));
        properties.put("key.serializer", ByteArraySerializer.class.getName());
        properties.put("value.serializer", ByteArraySerializer.class.getName());
        override(properties, words.subList(2, words.size()));
        String topic = words.get(1);

        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties)) {
            BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                String[] fields = line.split(" ");
                Integer partition = fields[0].equals(ABSENT) ? null : Integer.valueOf(fields[0]);
                Long timestamp = fields[1].equals(ABSENT) ? null : Long.valueOf(fields[1]);
                sent.add(producer.send(new ProducerRecord<>(
                        topic, partition, timestamp, bytes(fields[2]), bytes(fields[3]), headers(fields[4]))));
            }
            producer.flush();
            for (Future<RecordMetadata> future : sent) {
                RecordMetadata metadata = future.get();
                say("PRODUCED " + metadata.partition() + " " + metadata.offset());
            }
        }
    }

    /**
     * bootstrap, transactional id, key=value...; then one call a line: {@code begin}, {@code send topic partition
     * key}, {@code offsets group topic partition offset}, {@code commit} or {@code abort}.
     *
     * <p>Each is answered with DONE or FAILED, the call, and the name of the exception.
     */
    private static void transact(List<String> words) throws IOException {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", words.get(0));
        properties.put("transactional.id", words.get(1));
        properties.put("key.serializer", ByteArraySerializer.class.getName());
        properties.put("value.serializer", ByteArraySerializer.class.getName());
        override(properties, words.subList(2, words.size()));
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties);
        try {
            attempt("init", producer::initTransactions);
            BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                String[] fields = line.split(" ");
                attempt(fields[0], () -> call(producer, fields));
            }
        } finally {
            producer.close(CLOSE_TIMEOUT);
        }
    }

    private static void call(KafkaProducer<byte[], byte[]> producer, String[] fields) throws Exception {
        switch (fields[0]) {
            case "begin" -> producer.beginTransaction();
            case "send" -> producer.send(new ProducerRecord<>(fields[1], Integer.valueOf(fields[2]),
                    fields[3].getBytes(StandardCharsets.UTF_8), new byte[0])).get();
            case "offsets" -> producer.sendOffsetsToTransaction(
                    Map.of(new TopicPartition(fields[2], Integer.parseInt(fields[3])),
                            new OffsetAndMetadata(Long.parseLong(fields[4]))),
                    new ConsumerGroupMetadata(fields[1]));
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            default -> throw new IllegalArgumentException(fields[0]);
        }
    }

    /** bootstrap, group, id of client and transactions, topic to read, topic to write, key=value... of the consumer. */
    private static void copy(List<String> words) {
        Properties properties = consumerProperties(words.get(0));
        properties.put("group.id", words.get(1));
        properties.put("client.id", words.get(2));
        properties.put("isolation.level", "read_committed");
        override(properties, words.subList(5, words.size()));
        Properties producerProperties = new Properties();
        producerProperties.put("bootstrap.servers", words.get(0));
        producerProperties.put("transactional.id", words.get(2));
        producerProperties.put("key.serializer", ByteArraySerializer.class.getName());
        producerProperties.put("value.serializer", ByteArraySerializer.class.getName());
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties);
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producerProperties);
        stopWhenAsked(consumer::wakeup);
        stopAtEndOfInput(consumer::wakeup);
        try {
            producer.initTransactions();
            consumer.subscribe(List.of(words.get(3)));
            say("SUBSCRIBED");
            while (!stopping.get()) {
                copyOnce(consumer, producer, words.get(4));
            }
        } catch (WakeupException e) {
            // Only a stop wakes the consumer up.
        } finally {
            consumer.close(CLOSE_TIMEOUT);
            producer.close(CLOSE_TIMEOUT);
        }
    }

    private static void copyOnce(
            KafkaConsumer<byte[], byte[]> consumer, KafkaProducer<byte[], byte[]> producer, String topic) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL_TIMEOUT);
        if (records.isEmpty()) {
            return;
        }
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        try {
            producer.beginTransaction();
            for (ConsumerRecord<byte[], byte[]> record : records) {
                producer.send(new ProducerRecord<>(topic, 0, record.key(), record.value()));
                offsets.put(new TopicPartition(record.topic(), record.partition()),
                        new OffsetAndMetadata(record.offset() + 1));
            }
            producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
            producer.commitTransaction();
            say("COPIED " + records.count());
        } catch (KafkaException e) {
            say("ABORTED " + e.getClass().getSimpleName());
            producer.abortTransaction();
            consumer.committed(consumer.assignment()).forEach(
                    (partition, committed) -> consumer.seek(partition, committed == null ? 0 : committed.offset()));
        }
    }

    private static void attempt(String name, Callable call) {
        try {
            call.run();
            say("DONE " + name);
        } catch (Exception e) {
            Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
            say("FAILED " + name + " " + cause.getClass().getSimpleName());
        }
    }

    /** What a client does for one line. */
    private interface Callable {
        void run() throws Exception;
    }

    /** bootstrap, topic, key=value...; reads all partitions up to where they end now. */
    private static void read(List<String> words) {
        Properties properties = consumerProperties(words.get(0));
        override(properties, words.subList(2, words.size()));
        String topic = words.get(1);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
            stopWhenAsked(consumer::wakeup);
            stopAtEndOfInput(consumer::wakeup);
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(partition -> new TopicPartition(topic, partition.partition()))
                    .collect(Collectors.toList());
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL_TIMEOUT)) {
                    say(String.join(" ", "READ", Integer.toString(record.partition()), Long.toString(record.offset()),
                            record.timestampType().toString(), Long.toString(record.timestamp()),
                            hex(record.key()), hex(record.value()), hex(record.headers())));
                }
            }
            say("END");
        } catch (WakeupException e) {
            // Stopped before the end.
        }
    }

    private static Properties consumerProperties(String bootstrap) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        // A topic created by the test may be new to this client; it should not wait minutes for it.
        properties.put("metadata.max.age.ms", "2000");
        return properties;
    }

    private static void override(Properties properties, List<String> settings) {
        for (String setting : settings) {
            int split = setting.indexOf('=');
            properties.put(setting.substring(0, split), setting.substring(split + 1));
        }
    }

    private static List<Class<?>> assignors(String names) {
        return Arrays.stream(names.split(",")).map(JavaConsumer::assignor).collect(Collectors.toList());
    }

    private static Class<?> assignor(String name) {
        return switch (name) {
            case "range" -> Range.class;
            case "roundrobin" -> RoundRobin.class;
            case "sticky" -> Sticky.class;
            case "cooperative-sticky" -> CooperativeSticky.class;
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** Answers SIGTERM by a clean end, for which the virtual machine waits. */
    private static void stopWhenAsked(Runnable wakeup) {
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stop(wakeup);
            try {
                main.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    private static void stopAtEndOfInput(Runnable wakeup) {
        Thread thread = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Nothing is asked of a running consumer.
                }
            } catch (IOException e) {
                // As good as the end.
            }
            stop(wakeup);
        }, "end-of-input");
        thread.setDaemon(true);
        thread.start();
    }

    private static void stop(Runnable wakeup) {
        if (stopping.getAndSet(true)) {
            return;
        }
        Thread lastResort = new Thread(() -> {
            try {
                Thread.sleep(LAST_RESORT_MS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            Runtime.getRuntime().halt(1);
        }, "last-resort");
        lastResort.setDaemon(true);
        lastResort.start();
        wakeup.run();
    }

    private static byte[] bytes(String text) {
        return text.equals(ABSENT) ? null : HexFormat.of().parseHex(text.substring(PRESENT.length()));
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? ABSENT : PRESENT + HexFormat.of().formatHex(bytes);
    }

    /** Headers as name:value,name:value with both in hex, or - for none. */
    private static Headers headers(String text) {
        Headers headers = new RecordHeaders();
        if (!text.equals(ABSENT)) {
            for (String header : text.split(",")) {
                String[] halves = header.split(":");
                headers.add(new String(bytes(halves[0]), StandardCharsets.UTF_8), bytes(halves[1]));
            }
        }
        return headers;
    }

    private static String hex(Headers headers) {
        List<String> texts = new ArrayList<>();
        for (Header header : headers) {
            texts.add(hex(header.key().getBytes(StandardCharsets.UTF_8)) + ":" + hex(header.value()));
        }
        return texts.isEmpty() ? ABSENT : String.join(",", texts);
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    /** Tells which partitions come and go, and in which generation, and commits what was shown before it goes. */
    private static final class Narrator implements ConsumerRebalanceListener {
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final String clientId;
        private final Map<TopicPartition, OffsetAndMetadata> shown = new HashMap<>();

        Narrator(KafkaConsumer<byte[], byte[]> consumer, String clientId) {
            this.consumer = consumer;
            this.clientId = clientId;
        }

        void shown(ConsumerRecord<byte[], byte[]> record) {
            shown.put(new TopicPartition(record.topic(), record.partition()),
                    new OffsetAndMetadata(record.offset() + 1, record.leaderEpoch(), clientId));
        }

        void commit() {
            try {
                consumer.commitSync(shown);
                say("COMMITTED");
            } catch (WakeupException e) {
                // The stop must not lose the commit of what was already shown.
                commit();
            } catch (KafkaException e) {
                say("COMMIT_FAILED " + e.getClass().getSimpleName());
            }
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            tell("ASSIGNED", partitions);
            if (partitions.isEmpty()) {
                return;
            }
            try {
                consumer.committed(new HashSet<>(partitions)).forEach(Narrator::found);
            } catch (WakeupException e) {
                // The stop, which the next call that waits hears of again.
                consumer.wakeup();
            } catch (KafkaException e) {
                say("FOUND_NOT " + e.getClass().getSimpleName());
            }
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            commit();
            tell("REVOKED", partitions);
            shown.keySet().removeAll(partitions);
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            tell("LOST", partitions);
            shown.keySet().removeAll(partitions);
        }

        private void tell(String event, Collection<TopicPartition> partitions) {
            say("GENERATION " + consumer.groupMetadata().generationId());
            StringBuilder line = new StringBuilder(event);
            partitions.stream().map(TopicPartition::toString).sorted()
                    .forEach(partition -> line.append(' ').append(partition));
            say(line.toString());
        }

        private static void found(TopicPartition partition, OffsetAndMetadata committed) {
            if (committed != null) {
                String epoch = committed.leaderEpoch().map(String::valueOf).orElse(ABSENT);
                String metadata = committed.metadata().isEmpty() ? ABSENT : committed.metadata();
                say(String.join(" ", "FOUND", partition.topic(), Integer.toString(partition.partition()),
                        Long.toString(committed.offset()), epoch, metadata));
            }
        }
    }

    /** Kafka's assignor, which tells when it divides: then this member leads. */
    public static final class Range extends RangeAssignor {
        @Override
        public GroupAssignment assign(Cluster cluster, GroupSubscription members) {
            say("DIVIDED");
            return super.assign(cluster, members);
        }
    }

    /** The same. */
    public static final class RoundRobin extends RoundRobinAssignor {
        @Override
        public GroupAssignment assign(Cluster cluster, GroupSubscription members) {
            say("DIVIDED");
            return super.assign(cluster, members);
        }
    }

    /** The same. */
    public static final class Sticky extends StickyAssignor {
        @Override
        public GroupAssignment assign(Cluster cluster, GroupSubscription members) {
            say("DIVIDED");
            return super.assign(cluster, members);
        }
    }

    /** The same. */
    public static final class CooperativeSticky extends CooperativeStickyAssignor {
        @Override
        public GroupAssignment assign(Cluster cluster, GroupSubscription members) {
            say("DIVIDED");
            return super.assign(cluster, members);
        }
    }
}
