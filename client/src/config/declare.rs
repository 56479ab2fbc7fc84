//! From one declaration of an option come its field, its builder method, its reading from
//! properties, its range check and its line in the reference page.

/// Declares a configuration and its builder from a list of options, each written once:
///
/// ```text
/// weft_client::client_options! {
///     /// What the configuration is for.
///     pub struct ConsumerConfig, ConsumerConfigBuilder, relate, FOREIGN_OPTIONS;
///     options {
///         /// What the option does: the paragraph of the reference page.
///         "fetch.min.bytes" => fetch_min_bytes: usize = 1, Range::Any;
///     }
///     inherits ClientConfig, ClientConfigBuilder
/// }
/// fn relate(_: &ConsumerConfigBuilder, _: &mut ConsumerConfig, _: &mut Problems) {}
/// const FOREIGN_OPTIONS: &[ForeignOption] = &[];
/// ```
///
/// `relate` checks options against each other and may adjust them; in the builder an option that
/// was not set is `None`. The list of foreign options is for names that Kafka's own client knows
/// and that mean nothing here; it may be left out. [`client_options!`](crate::client_options)
/// appends the list of the options that every client has: the configuration then holds a
/// `ClientConfig` in its field `client`, and its builder takes those options too.
#[macro_export]
macro_rules! config_options {
    (
        $(#[$doc:meta])*
        pub struct $config:ident, $builder:ident, $relate:ident $(, $foreign:path)?;
        options { $(
            $(#[doc = $text:literal])+
            $key:literal => $field:ident: $type:ty = $default:expr, $range:expr;
        )* }
        $( inherits $base:ident, $base_builder:ident { $(
            $(#[doc = $base_text:literal])+
            $base_key:literal => $base_field:ident: $base_type:ty = $_default:expr, $_range:expr;
        )* } )?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $config {
            $( $(#[doc = $text])+ pub $field: $type, )*
            $(
                /// The options that every client has.
                pub client: $base,
            )?
        }

        impl $config {
            /// A builder in which no option is set.
            pub fn builder() -> $builder {
                $builder::default()
            }

            /// All options with what a reference page says about them.
            pub fn options() -> Vec<$crate::config::OptionReference> {
                let own = vec![ $( $crate::config::OptionReference::new::<$type>(
                    $key, &$default, &$range, &[$($text),+],
                ) ),* ];
                [own $(, $base::options())?].concat()
            }

            /// Options of Kafka's own client that mean nothing here, and what becomes of them.
            pub fn foreign_options() -> Vec<$crate::config::ForeignOption> {
                [$( $foreign, )? $crate::config::CLIENT_FOREIGN_OPTIONS].concat()
            }
        }

        #[doc = concat!("Collects options and builds a [`", stringify!($config), "`] from them.")]
        #[derive(Clone, Debug, Default)]
        pub struct $builder {
            $( $field: Option<$type>, )*
            $( client: $base_builder, )?
            problems: $crate::config::Problems,
        }

        impl $builder {
            $(
                $(#[doc = $text])+
                #[doc = concat!("\n\nSets `", $key, "`.")]
                #[must_use]
                pub fn $field(mut self, value: impl $crate::config::OptionInput<$type>) -> Self {
                    self.$field = Some(value.into_option());
                    self
                }
            )*

            $( $(
                $(#[doc = $base_text])+
                #[doc = concat!("\n\nSets `", $base_key, "`.")]
                #[must_use]
                pub fn $base_field(
                    mut self,
                    value: impl $crate::config::OptionInput<$base_type>,
                ) -> Self {
                    self.client = self.client.$base_field(value);
                    self
                }
            )* )?

            /// Sets an option by Kafka's name for it, as a properties file does. What is wrong
            /// with the name or the text is reported by `build`.
            #[must_use]
            pub fn set(mut self, key: &str, value: &str) -> Self {
                let (key, value) = (key.trim(), value.trim());
                if !self.set_known(key, value) {
                    let foreign = $config::foreign_options();
                    self.problems.add_foreign(key, value, &foreign, &$config::options());
                }
                self
            }

            /// Sets options by name, as [`set`](Self::set) does; the last of equal names counts.
            #[must_use]
            pub fn properties<K: AsRef<str>, V: AsRef<str>>(
                self,
                properties: impl IntoIterator<Item = (K, V)>,
            ) -> Self {
                properties.into_iter().fold(self, |builder, (key, value)| {
                    builder.set(key.as_ref(), value.as_ref())
                })
            }

            /// Sets the options in the text of a `.properties` file, which is read as Java reads
            /// it.
            #[must_use]
            pub fn properties_text(mut self, text: &str) -> Self {
                let properties = self.problems.read_properties(text);
                self.properties(properties)
            }

            /// What `build` logs a warning of: options that are ignored here, and settings that
            /// can hardly be meant.
            pub fn warnings(&self) -> Vec<String> {
                let mut problems = $crate::config::Problems::default();
                self.collect(&mut problems);
                problems.warnings().to_vec()
            }

            /// Sets an option by name, or answers that no option has the name.
            #[doc(hidden)]
            pub fn set_known(&mut self, key: &str, value: &str) -> bool {
                let is_own = match key {
                    $( $key => {
                        self.problems.read(key, value, &mut self.$field);
                        true
                    } )*
                    _ => false,
                };
                is_own $( || <$base_builder>::set_known(&mut self.client, key, value) )?
            }

            /// Checks all options, each on its own and against each other.
            ///
            /// # Errors
            ///
            /// `ErrorKind::Configuration`, naming everything that is wrong at once.
            pub fn build(&self) -> Result<$config, $crate::Error> {
                let mut problems = $crate::config::Problems::default();
                let config = self.collect(&mut problems);
                problems.into_result().map(|()| config)
            }

            /// Builds whatever there is, adding what is wrong with it to `problems`.
            #[doc(hidden)]
            pub fn collect(&self, problems: &mut $crate::config::Problems) -> $config {
                problems.extend(&self.problems);
                let mut config = $config {
                    $( $field: self.$field.clone().unwrap_or_else(|| $default), )*
                    $( client: <$base_builder>::collect(&self.client, problems), )?
                };
                $( problems.check($key, &config.$field, &$range); )*
                $relate(self, &mut config, problems);
                config
            }
        }
    };
}

/// Declares the values of an option that is one word out of a few. They are read whatever their
/// case.
#[macro_export]
macro_rules! config_choice {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $word:literal, )+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $( $(#[$variant_doc])* $variant, )+ }

        impl $name {
            /// The word that stands for the value in a properties file.
            pub const fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl $crate::config::OptionValue for $name {
            const NOUN: &'static str = concat!("one of" $(, " `", $word, "`")+);

            fn parse(text: &str) -> Result<Self, String> {
                $( if text.eq_ignore_ascii_case($word) { return Ok(Self::$variant); } )+
                Err(format!("must be one of {}", [$($word),+].join(", ")))
            }

            fn print(&self) -> String {
                self.word().to_owned()
            }
        }
    };
}
