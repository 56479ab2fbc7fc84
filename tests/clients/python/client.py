"""The kafka-python client, driven by tests over standard input and output.

It takes the same words as the Java program of testcontainers (java/JavaConsumer.java) and prints
the same lines.
"""

import os
import signal
import sys
import threading
import time

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

ABSENT = "-"
PRESENT = "0x"
# A poll that ends in the middle of a join forgets what the join brings (3.0.12), so that a member's
# poll goes on until there are records; the signal to stop ends it.
MEMBER_POLL_TIMEOUT_MS = 3_600_000
READ_POLL_TIMEOUT_MS = 100
CALL_TIMEOUT_S = 30
RETRY_S = 0.1


def told(assignor):
    """An assignor that tells when it divides: then this member leads."""

    class Told(assignor):
        def assign(self, cluster, members):
            say("DIVIDED")
            return super().assign(cluster, members)

    return Told()


ASSIGNORS = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
    "cooperative-sticky": CooperativeStickyAssignor,
}


class Stop(Exception):
    """Raised where a poll waits, once the program is to end."""


class State:
    is_polling = False
    is_stopping = False


def main(words):
    calls = {"consume": consume, "produce": produce, "read": read, "transact": transact, "copy": copy}
    calls[words[0]](words[1:])
    say("CLOSED")


def consume(words):
    """bootstrap, group, topics by commas, assignor, client id, instance id or -, key=value..."""
    bootstrap, group, topics, assignor, client_id, instance_id = words[:6]
    stop_when_asked()
    consumer = KafkaConsumer(
        group_id=group,
        client_id=client_id,
        group_instance_id=None if instance_id == ABSENT else instance_id,
        partition_assignment_strategy=[told(ASSIGNORS[assignor])],
        **consumer_settings(bootstrap, words[6:]),
    )
    consumer.subscribe(topics.split(","), listener=Narrator(consumer))
    say("SUBSCRIBED")
    until_stopped(lambda: poll_once(consumer, client_id))
    consumer.close()


def until_stopped(work):
    try:
        while not State.is_stopping:
            work()
    except Stop:
        pass


def stop_when_asked():
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=stop_at_end_of_input, daemon=True).start()


def stop(*_):
    State.is_stopping = True
    if State.is_polling:
        raise Stop


def stop_at_end_of_input():
    while sys.stdin.readline():
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def poll(consumer):
    """All records of a poll; none if a broker was lost, which kafka-python raises out of it."""
    State.is_polling = True
    try:
        polled = consumer.poll(timeout_ms=MEMBER_POLL_TIMEOUT_MS)
    except KafkaError as error:
        polled = {}
        if not error.retriable:
            raise
        print(f"poll failed: {error!r}", file=sys.stderr, flush=True)
        # It may fail at once again.
        time.sleep(RETRY_S)
    finally:
        State.is_polling = False
    return [record for records in polled.values() for record in records]


def poll_once(consumer, client_id):
    shown = {}
    for record in poll(consumer):
        key = ABSENT if record.key is None else record.key.decode()
        say(f"RECORD {record.topic} {record.partition} {record.offset} {key}")
        partition = TopicPartition(record.topic, record.partition)
        epoch = -1 if record.leader_epoch is None else record.leader_epoch
        shown[partition] = OffsetAndMetadata(record.offset + 1, client_id, epoch)
    # Not in the listener too, which runs where a call that waits cannot.
    try:
        consumer.commit(shown)
        say("COMMITTED")
    except KafkaError as error:
        say(f"COMMIT_FAILED {type(error).__name__}")


def produce(words):
    """bootstrap, topic, key=value...; then a record a line: partition timestamp key value headers."""
    producer = KafkaProducer(bootstrap_servers=words[0].split(","), **settings(words[2:]))
    sent = []
    for line in sys.stdin:
        partition, timestamp, key, value, headers = line.split()
        sent.append(producer.send(
            words[1],
            partition=number(partition),
            timestamp_ms=number(timestamp),
            key=data(key),
            value=data(value),
            headers=parse_headers(headers),
        ))
    producer.flush(timeout=CALL_TIMEOUT_S)
    for future in sent:
        metadata = future.get(timeout=CALL_TIMEOUT_S)
        say(f"PRODUCED {metadata.partition} {metadata.offset}")
    producer.close(timeout=CALL_TIMEOUT_S)


def transact(words):
    """bootstrap, transactional id, key=value...; then one call a line, each answered with DONE or FAILED.

    begin, send topic partition key, offsets group topic partition offset, commit, abort
    """
    producer = KafkaProducer(
        bootstrap_servers=words[0].split(","), transactional_id=words[1], **settings(words[2:]))
    calls = {
        "init": producer.init_transactions,
        "begin": producer.begin_transaction,
        "send": lambda topic, partition, key: producer.send(
            topic, key=key.encode(), value=b"", partition=int(partition)).get(timeout=CALL_TIMEOUT_S),
        "offsets": lambda group, topic, partition, offset: producer.send_offsets_to_transaction(
            {TopicPartition(topic, int(partition)): OffsetAndMetadata(int(offset), "", -1)}, group),
        "commit": producer.commit_transaction,
        "abort": producer.abort_transaction,
    }
    attempt(calls, ["init"])
    for line in sys.stdin:
        attempt(calls, line.split())
    producer.close(timeout=CALL_TIMEOUT_S)


def attempt(calls, fields):
    try:
        calls[fields[0]](*fields[1:])
        say(f"DONE {fields[0]}")
    except KafkaError as error:
        say(f"FAILED {fields[0]} {type(error).__name__}")


def copy(words):
    """bootstrap, group, id of client and transactions, topic to read, topic to write, key=value..."""
    bootstrap, group, name, source, target = words[:5]
    stop_when_asked()
    consumer = KafkaConsumer(
        group_id=group,
        client_id=name,
        isolation_level="read_committed",
        partition_assignment_strategy=[RangePartitionAssignor],
        **consumer_settings(bootstrap, words[5:]),
    )
    producer = KafkaProducer(bootstrap_servers=bootstrap.split(","), transactional_id=name)
    producer.init_transactions()
    consumer.subscribe([source])
    say("SUBSCRIBED")
    until_stopped(lambda: copy_once(consumer, producer, target))
    consumer.close()
    producer.close(timeout=CALL_TIMEOUT_S)


def copy_once(consumer, producer, target):
    records = poll(consumer)
    if not records:
        return
    offsets = {}
    try:
        producer.begin_transaction()
        for record in records:
            producer.send(target, key=record.key, value=record.value, partition=0)
            partition = TopicPartition(record.topic, record.partition)
            offsets[partition] = OffsetAndMetadata(record.offset + 1, "", -1)
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        producer.commit_transaction()
        say(f"COPIED {len(records)}")
    except KafkaError as error:
        say(f"ABORTED {type(error).__name__}")
        producer.abort_transaction()
        for partition in consumer.assignment():
            consumer.seek(partition, consumer.committed(partition) or 0)


def read(words):
    """bootstrap, topic, key=value...; reads all partitions up to where they end now."""
    consumer = KafkaConsumer(**consumer_settings(words[0], words[2:]))
    numbers = consumer.partitions_for_topic(words[1])
    partitions = [TopicPartition(words[1], partition) for partition in numbers]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for records in consumer.poll(timeout_ms=READ_POLL_TIMEOUT_MS).values():
            for record in records:
                kind = ("CreateTime", "LogAppendTime")[record.timestamp_type]
                say(f"READ {record.partition} {record.offset} {kind} {record.timestamp} "
                    f"{text(record.key)} {text(record.value)} {header_text(record.headers)}")
    say("END")
    consumer.close()


def consumer_settings(bootstrap, words):
    return {
        "bootstrap_servers": bootstrap.split(","),
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "metadata_max_age_ms": 2000,
        **settings(words),
    }


def settings(words):
    """Settings by their names in Java."""
    found = {}
    for word in words:
        key, value = word.split("=", 1)
        found[key.replace(".", "_")] = int(value) if value.isdigit() else value
    if found.get("compression_type") == "none":
        found["compression_type"] = None
    return found


def number(word):
    return None if word == ABSENT else int(word)


def data(word):
    return None if word == ABSENT else bytes.fromhex(word.removeprefix(PRESENT))


def parse_headers(word):
    pairs = [] if word == ABSENT else [header.split(":") for header in word.split(",")]
    return [(data(name).decode(), data(value)) for name, value in pairs]


def text(bytes_or_none):
    return ABSENT if bytes_or_none is None else PRESENT + bytes_or_none.hex()


def header_text(headers):
    texts = [f"{text(name.encode())}:{text(value)}" for name, value in headers]
    return ",".join(texts) or ABSENT


def say(line):
    print(line, flush=True)


class Narrator(ConsumerRebalanceListener):
    """Tells which partitions come and go, and in which generation."""

    def __init__(self, consumer):
        self.consumer = consumer

    def on_partitions_assigned(self, assigned):
        self.tell("ASSIGNED", assigned)

    def on_partitions_revoked(self, revoked):
        self.tell("REVOKED", revoked)

    def on_partitions_lost(self, lost):
        self.tell("LOST", lost)

    def tell(self, event, partitions):
        say(f"GENERATION {self.consumer.group_metadata().generation_id}")
        tell(event, partitions)


def tell(event, partitions):
    names = sorted(f"{partition.topic}-{partition.partition}" for partition in partitions)
    say(" ".join([event, *names]))


if __name__ == "__main__":
    main(sys.argv[1:])
