import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.clients.consumer.internals.AbstractPartitionAssignor;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * Groups that live through many rebalances, and what Kafka's assignors make of each, one line of JSON
 * a rebalance. Arguments: seed, groups of each assignor, assignors.
 *
 * <p>Between two rebalances members come and go, come back as they were, change their minds, or miss
 * what they were given; topics come, grow and go; brokers go down and take their racks along.
 */
@SuppressWarnings("removal")
public final class Assignments {
    private static final int REBALANCES = 8;
    private static final int BROKERS = 4;

    private final Random random;
    private final String name;
    private final boolean hasRacks;
    private final boolean hasStatic;
    private final boolean wantTheSame;
    private final TreeMap<String, Integer> topics = new TreeMap<>();
    private final Map<String, int[]> replicas = new HashMap<>();
    private final List<Member> members = new ArrayList<>();
    private final List<Member> gone = new ArrayList<>();
    private int downBroker = -1;
    private int born;

    /** One member; what it owns stays as it was if it misses a rebalance. */
    private static final class Member {
        String id;
        String rack;
        String instance;
        List<String> wanted;
        AbstractPartitionAssignor assignor;
        List<TopicPartition> owned = List.of();
        int generation = -1;
    }

    private Assignments(String name, int group, Random random) {
        this.name = name;
        this.random = random;
        hasRacks = group % 2 == 1;
        hasStatic = group % 3 == 2;
        wantTheSame = random.nextBoolean();
        for (int topic = 1 + random.nextInt(5); topic > 0; topic--) {
            topics.put("t" + topic, 1 + random.nextInt(random.nextBoolean() ? 4 : 20));
        }
        for (int member = 1 + random.nextInt(8); member > 0; member--) {
            members.add(newMember());
        }
    }

    public static void main(String[] words) {
        int groups = Integer.parseInt(words[1]);
        for (String name : List.of(words).subList(2, words.length)) {
            Random random = new Random(Long.parseLong(words[0]) * 31 + name.hashCode());
            for (int group = 0; group < groups; group++) {
                try {
                    new Assignments(name, group, random).live(group);
                } catch (IllegalStateException e) {
                    // Kafka's sticky assignors give up on some claims of members that missed something.
                    System.out.println("{\"assignor\":\"" + name + "\",\"failed\":\"" + e.getMessage() + "\"}");
                }
            }
        }
    }

    private void live(int group) {
        for (int round = 0; round < REBALANCES; round++) {
            rebalance(group, round);
            for (int changes = random.nextInt(3); changes > 0; changes--) {
                change();
            }
        }
    }

    private void rebalance(int group, int round) {
        Cluster cluster = cluster();
        Map<String, Subscription> announced = new TreeMap<>();
        Map<String, String> lines = new TreeMap<>();
        for (Member member : members) {
            ByteBuffer userData = member.assignor.subscriptionUserData(new TreeSet<>(member.wanted));
            Subscription subscription = new Subscription(member.wanted, userData, member.owned,
                    member.generation, Optional.ofNullable(member.rack));
            subscription.setGroupInstanceId(Optional.ofNullable(member.instance));
            // Written down first: an assignor moves on in the user data that it reads.
            lines.put(member.id, described(subscription));
            announced.put(member.id, subscription);
        }
        Map<String, Assignment> given =
                new TreeMap<>(assignor(name).assign(cluster, new GroupSubscription(announced)).groupAssignment());
        System.out.println("{\"assignor\":\"" + name + "\",\"case\":" + group + ",\"round\":" + round
                + ",\"topics\":{" + topics.keySet().stream()
                        .map(topic -> quoted(topic) + ":" + racks(cluster, topic)).collect(Collectors.joining(","))
                + "},\"members\":{" + lines.entrySet().stream()
                        .map(line -> quoted(line.getKey()) + ":" + line.getValue()).collect(Collectors.joining(","))
                + "},\"result\":{" + given.entrySet().stream()
                        .map(share -> quoted(share.getKey()) + ":{\"partitions\":" + list(share.getValue().partitions())
                                + ",\"assignment\":" + hex(ConsumerProtocol.serializeAssignment(share.getValue())) + "}")
                        .collect(Collectors.joining(","))
                + "}}");
        for (Member member : members) {
            if (round > 0 && random.nextInt(12) == 0) {
                continue;
            }
            Assignment share = given.get(member.id);
            member.owned = share.partitions();
            member.generation = round + 1;
            member.assignor.onAssignment(share, new ConsumerGroupMetadata(
                    "g", round + 1, member.id, Optional.ofNullable(member.instance)));
        }
    }

    private static String described(Subscription subscription) {
        return "{\"topics\":" + subscription.topics().stream().map(Assignments::quoted)
                        .collect(Collectors.joining(",", "[", "]"))
                + ",\"rack\":" + quoted(subscription.rackId().orElse(null))
                + ",\"instance\":" + quoted(subscription.groupInstanceId().orElse(null))
                + ",\"generation\":" + subscription.generationId().orElse(-1)
                + ",\"owned\":" + list(subscription.ownedPartitions())
                + ",\"user_data\":" + hex(subscription.userData())
                + ",\"subscription\":" + hex(ConsumerProtocol.serializeSubscription(subscription)) + "}";
    }

    private void change() {
        switch (random.nextInt(9)) {
            case 0, 1 -> members.add(newMember());
            case 2, 3 -> {
                if (members.size() > 1) {
                    gone.add(members.remove(random.nextInt(members.size())));
                }
            }
            case 4 -> {
                if (!gone.isEmpty()) {
                    members.add(gone.remove(random.nextInt(gone.size())));
                }
            }
            case 5 -> topics.merge("t" + (1 + random.nextInt(6)), 1 + random.nextInt(4), Integer::sum);
            case 6 -> {
                if (topics.size() > 1) {
                    topics.pollFirstEntry();
                }
            }
            case 7 -> {
                Member member = members.get(random.nextInt(members.size()));
                member.wanted = wishes();
            }
            default -> downBroker = random.nextBoolean() ? random.nextInt(BROKERS) : -1;
        }
    }

    private Member newMember() {
        Member member = new Member();
        // Ids in no order of birth, so that neither lists nor tables happen to be sorted by it.
        member.id = "c" + Integer.toHexString(random.nextInt(0xfff)) + "-" + born++;
        member.rack = hasRacks && random.nextInt(5) > 0 ? "r" + random.nextInt(BROKERS) : null;
        member.instance = hasStatic && random.nextBoolean() ? "i" + random.nextInt(0xfff) + "-" + born : null;
        member.wanted = wishes();
        member.assignor = assignor(name);
        return member;
    }

    private List<String> wishes() {
        List<String> wanted = topics.keySet().stream()
                .filter(topic -> wantTheSame || random.nextInt(3) > 0).collect(Collectors.toList());
        return wanted.isEmpty() ? new ArrayList<>(List.of(topics.firstKey())) : wanted;
    }

    private Cluster cluster() {
        Node[] nodes = new Node[BROKERS];
        for (int node = 0; node < BROKERS; node++) {
            boolean isDown = node == downBroker;
            nodes[node] = new Node(node, "h", 1, hasRacks && !isDown ? "r" + node : null);
        }
        List<PartitionInfo> partitions = new ArrayList<>();
        topics.forEach((topic, count) -> {
            for (int number = 0; number < count; number++) {
                int[] places = replicas.computeIfAbsent(topic + "-" + number,
                        any -> new int[] {random.nextInt(BROKERS), 1 + random.nextInt(BROKERS - 1)});
                Node[] on = new Node[places[1]];
                for (int replica = 0; replica < on.length; replica++) {
                    on[replica] = nodes[(places[0] + replica) % BROKERS];
                }
                partitions.add(new PartitionInfo(topic, number, on[0], on, on));
            }
        });
        return new Cluster("c", List.of(nodes), partitions, Set.of(), Set.of());
    }

    private static String racks(Cluster cluster, String topic) {
        List<String> partitions = new ArrayList<>();
        for (int number = 0; number < cluster.partitionCountForTopic(topic); number++) {
            Node[] on = cluster.partition(new TopicPartition(topic, number)).replicas();
            List<String> racks = new ArrayList<>();
            for (Node node : on) {
                racks.add(quoted(node.rack()));
            }
            partitions.add("[" + String.join(",", racks) + "]");
        }
        return "[" + String.join(",", partitions) + "]";
    }

    private static AbstractPartitionAssignor assignor(String name) {
        return switch (name) {
            case "range" -> new RangeAssignor();
            case "roundrobin" -> new RoundRobinAssignor();
            case "sticky" -> new StickyAssignor();
            case "cooperative-sticky" -> new CooperativeStickyAssignor();
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static String list(Collection<TopicPartition> partitions) {
        return partitions.stream().map(one -> "[" + quoted(one.topic()) + "," + one.partition() + "]")
                .collect(Collectors.joining(",", "[", "]"));
    }

    private static String quoted(String text) {
        return text == null ? "null" : "\"" + text + "\"";
    }

    private static String hex(ByteBuffer bytes) {
        if (bytes == null) {
            return "null";
        }
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return quoted(HexFormat.of().formatHex(copy));
    }
}
