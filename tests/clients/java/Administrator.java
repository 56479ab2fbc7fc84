import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;

/**
 * Java's admin client, which tells in a line what became of each call. Nothing that differs from cluster to cluster
 * is told.
 *
 * <p>It takes: bootstrap, a topic of one partition with records, a name for a new topic, a group that is to be, the
 * name of a transactional producer that was.
 */
public final class Administrator {
    private final Admin admin;
    private final String topic;
    private final TopicPartition partition;
    private final String created;
    private final String group;
    private final String transactionalId;

    private Administrator(Admin admin, String[] words) {
        this.admin = admin;
        this.topic = words[1];
        this.partition = new TopicPartition(topic, 0);
        this.created = words[2];
        this.group = words[3];
        this.transactionalId = words[4];
    }

    public static void main(String[] words) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", words[0]))) {
            Administrator administrator = new Administrator(admin, words);
            administrator.cluster();
            administrator.topics();
            administrator.offsets();
            administrator.groups();
            administrator.transactions();
        }
    }

    private void cluster() throws Exception {
        tell("nodes", () -> admin.describeCluster().nodes().get().size());
        tell("controller is a node", () ->
                admin.describeCluster().nodes().get().contains(admin.describeCluster().controller().get()));
    }

    private void topics() throws Exception {
        NewTopic wanted = new NewTopic(created, 3, (short) 1);
        tell("create", () -> {
            var result = admin.createTopics(Set.of(wanted));
            return result.numPartitions(created).get() + " partitions, " + result.replicationFactor(created).get()
                    + " replica, same id " + result.topicId(created).get().equals(describe(created).topicId());
        });
        tell("create again", () -> admin.createTopics(Set.of(wanted)).all().get());
        tell("create without name", () -> admin.createTopics(Set.of(new NewTopic("", 1, (short) 1))).all().get());
        tell("create with too many replicas", () ->
                admin.createTopics(Set.of(new NewTopic(created + "-wide", 1, (short) 9))).all().get());
        tell("is listed", () -> admin.listTopics().names().get().contains(created));
        tell("describe", () -> shape(describe(created)));
        tell("describe nothing", () -> describe(created + "-missing"));
        tell("more partitions", () -> {
            admin.createPartitions(Map.of(created, NewPartitions.increaseTo(5))).all().get();
            return shape(describe(created));
        });
        tell("fewer partitions", () -> admin.createPartitions(Map.of(created, NewPartitions.increaseTo(2))).all().get());
        tell("elect", () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).partitions().get()
                .get(partition).map(Administrator::name).orElse("elected"));
        tell("delete", () -> admin.deleteTopics(Set.of(created)).all().get());
        tell("delete again", () -> admin.deleteTopics(Set.of(created)).all().get());
    }

    private void offsets() throws Exception {
        tell("earliest", () -> offset(OffsetSpec.earliest()));
        tell("latest", () -> offset(OffsetSpec.latest()));
        tell("of a time", () -> offset(OffsetSpec.forTimestamp(1_700_000_000_005L)));
        tell("of a later time", () -> offset(OffsetSpec.forTimestamp(1_800_000_000_000L)));
        // The transaction's, which has the time of writing, that nobody expects.
        tell("greatest time", () -> offset(OffsetSpec.maxTimestamp()).split(" ")[0]);
        tell("delete records", () -> delete(4));
        tell("earliest", () -> offset(OffsetSpec.earliest()));
        tell("delete records again", () -> delete(2));
        tell("delete records behind the end", () -> delete(1_000));
    }

    private void groups() throws Exception {
        tell("group", this::group);
        tell("alter offsets", () -> admin.alterConsumerGroupOffsets(group,
                Map.of(partition, new OffsetAndMetadata(7, Optional.of(0), "by hand"))).all().get());
        tell("alter offsets of nothing", () -> admin.alterConsumerGroupOffsets(group,
                Map.of(new TopicPartition(created + "-missing", 0), new OffsetAndMetadata(7))).all().get());
        tell("group", this::group);
        tell("group is listed", () -> admin.listConsumerGroups().all().get().stream()
                .filter(listing -> listing.groupId().equals(group)).map(listing -> listing.state().orElseThrow())
                .collect(Collectors.toList()));
        tell("offsets", this::committed);
        tell("delete offsets", () -> admin.deleteConsumerGroupOffsets(group, Set.of(partition)).all().get());
        tell("offsets", this::committed);
        tell("delete group", () -> {
            admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(7))).all().get();
            return admin.deleteConsumerGroups(Set.of(group)).all().get();
        });
        tell("delete group again", () -> admin.deleteConsumerGroups(Set.of(group)).all().get());
    }

    private void transactions() throws Exception {
        tell("transaction is listed", () -> admin.listTransactions().all().get().stream()
                .filter(listing -> listing.transactionalId().equals(transactionalId)).map(listing -> listing.state())
                .collect(Collectors.toList()));
        tell("transaction", () -> {
            TransactionDescription description = transaction(transactionalId);
            return description.state() + " of " + description.topicPartitions().size() + " partitions";
        });
        tell("transaction of nobody", () -> transaction(transactionalId + "-missing"));
        tell("producers", () -> producers().stream()
                .map(producer -> "open " + producer.currentTransactionStartOffset().isPresent())
                .collect(Collectors.toList()));
        tell("same producer", () -> producers().stream()
                .anyMatch(producer -> producer.producerId() == transaction(transactionalId).producerId()));
        tell("fence", () -> admin.fenceProducers(Set.of(transactionalId)).all().get());
    }

    private TopicDescription describe(String name) throws Exception {
        return admin.describeTopics(Set.of(name)).allTopicNames().get().get(name);
    }

    private static String shape(TopicDescription description) {
        long led = description.partitions().stream().filter(partition -> partition.leader() != null).count();
        return description.partitions().size() + " partitions, " + led + " led, internal " + description.isInternal();
    }

    private String offset(OffsetSpec spec) throws Exception {
        ListOffsetsResult.ListOffsetsResultInfo found =
                admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get();
        return found.offset() + " at " + found.timestamp();
    }

    private long delete(long before) throws Exception {
        return admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(before)))
                .lowWatermarks().get(partition).get().lowWatermark();
    }

    private String group() throws Exception {
        ConsumerGroupDescription found = admin.describeConsumerGroups(Set.of(group)).all().get().get(group);
        return found.state() + ", " + found.members().size() + " members";
    }

    private Object committed() throws Exception {
        OffsetAndMetadata found =
                admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition);
        return found == null ? "nothing" : found;
    }

    private TransactionDescription transaction(String id) {
        try {
            return admin.describeTransactions(Set.of(id)).description(id).get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private Collection<ProducerState> producers() throws Exception {
        return admin.describeProducers(Set.of(partition)).partitionResult(partition).get().activeProducers();
    }

    private static void tell(String what, Callable<Object> call) throws Exception {
        try {
            Object result = call.call();
            System.out.println(what + ": " + (result == null ? "done" : result));
        } catch (ExecutionException | IllegalStateException e) {
            System.out.println(what + ": " + name(e.getCause()));
        }
    }

    private static String name(Throwable error) {
        return error.getClass().getSimpleName();
    }
}
