//! Options of Java's consumer that mean nothing here, beyond those of every client.

use weft_client::config::ForeignOption;

/// What a consumer has no field for.
pub const FOREIGN_OPTIONS: &[ForeignOption] = &[
    ForeignOption::ignored(
        "key.deserializer*",
        "deserializers are values here, see `TypedConsumer`; `poll` returns bytes",
    ),
    ForeignOption::ignored(
        "value.deserializer*",
        "deserializers are values here, see `TypedConsumer`; `poll` returns bytes",
    ),
    ForeignOption::refused(
        "interceptor.classes",
        "it names classes of Java: hand interceptors to `Consumer::add_interceptor`",
    ),
    ForeignOption::refused(
        "group.remote.assignor",
        "needs group.protocol=consumer, which is not supported so far",
    ),
    ForeignOption::refused(
        "share.acknowledgement.mode",
        "this consumer is not one of a share group",
    )
    .unless(&["implicit"]),
    ForeignOption::refused(
        "share.acquire.mode",
        "this consumer is not one of a share group",
    )
    .unless(&["batch_optimized"]),
    ForeignOption::refused(
        "internal.throw.on.fetch.stable.offset.unsupported",
        "brokers that cannot wait for stable offsets are asked for what they have",
    )
    .unless(&["false"]),
];
