//! How a type is read from, and written to, a JSON object.
//!
//! A derived decoder also takes an array, in field order, and buffers whatever `flatten` may need.
//! Here the keys are matched as they arrive, the fields are filled in place, and only objects are
//! accepted.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

/// A type that is a JSON object on the wire. Implemented by [`object!`].
pub(crate) trait Object {
    /// What an error says was expected.
    const EXPECTED: &'static str;

    /// Whether a field has this name or alias.
    fn is_own(key: &str) -> bool;

    /// Whether a field of this name, alone, makes an object a reading of its kind.
    fn speaks(name: &str) -> bool;

    /// Fills the fields, whatever they held, from a map whose keys are still to come; `true` if a
    /// field that [speaks](Self::speaks) came with a value other than `null`. After an error the
    /// fields mean nothing.
    fn fields<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error>;

    /// Reads a whole value into `self`; `true` as for [`Object::fields`].
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<bool, D::Error>;
}

/// Reads a value into its final place: nothing is moved once decoded.
pub(crate) struct Read<'a, T>(pub(crate) &'a mut T);

impl<'de, T: Object> DeserializeSeed<'de> for Read<'_, T> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.0.read(deserializer)
    }
}

/// The visitor behind [`Object::read`] for a type that accepts an object and nothing else.
pub(super) struct Fields<'a, T>(pub(super) &'a mut T);

impl<'de, T: Object> Visitor<'de> for Fields<'_, T> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        self.0.fields(&mut map)
    }
}

/// As [`Read`], but `null` counts as a value that did not come.
pub(super) struct ReadNullable<'a, T>(pub(super) &'a mut T);

impl<'de, T: Object> DeserializeSeed<'de> for ReadNullable<'_, T> {
    /// Whether anything but `null` came.
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Object> Visitor<'de> for ReadNullable<'_, T> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_none<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.0.read(deserializer).map(|_| true)
    }
}

/// What is known so far of one key of an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Not,
    AsNull,
    WithValue,
}

impl Came {
    /// The state of a key that came with a value, or with `null`.
    pub(super) fn with(value: bool) -> Self {
        if value { Self::WithValue } else { Self::AsNull }
    }

    /// Refuses a key that comes a second time: nobody can tell which of the two the engine means.
    pub(super) fn first<E: de::Error>(self, key: &'static str) -> Result<(), E> {
        match self {
            Self::Not => Ok(()),
            Self::AsNull | Self::WithValue => Err(E::duplicate_field(key)),
        }
    }
}

/// A fresh value of the type of `_like`.
pub(super) fn spare<T: Default>(_like: &T) -> T {
    T::default()
}

/// Makes a struct an [`Object`](super::object::Object) that can be a field of another, with
/// `Deserialize` and `Serialize`. It takes the type, what an error calls it, its fields as `name`
/// or `name | alias`, the map for unknown keys (without one they are skipped), the fields that by
/// themselves say nothing of its kind, and its reader where more than an object is accepted.
macro_rules! object {
    (
        $type:ident, $expected:literal,
        { $($name:ident $(| $alias:ident)?),+ $(,)? }
        $(, extra: $extra:ident)? $(, aside: $($aside:ident)|+)? $(, read: $reader:path)?
    ) => {
        impl $crate::models::object::Object for $type {
            const EXPECTED: &'static str = $expected;

            fn is_own(key: &str) -> bool {
                matches!(key, $(stringify!($name) $(| stringify!($alias))?)|+)
            }

            #[inline]
            fn speaks(name: &str) -> bool {
                object!(@speaks name $(, $($aside)|+)?)
            }

            fn fields<'de, A>(&mut self, map: &mut A) -> Result<bool, A::Error>
            where
                A: ::serde::de::MapAccess<'de>,
            {
                use $crate::models::key::{Found, NextKey, Order};
                use $crate::models::object::Came;
                use $crate::models::slot::Slot as _;

                const KEYS: &[&str] = &[$(object!(@quoted $name) $(, object!(@quoted $alias))?),+];
                static ORDER: Order = Order::new();

                $(
                    let mut $name = Came::Not;
                    $(let mut $alias = Came::Not;)?
                )+
                $(let mut $extra = $crate::models::extras::Extras::new(&mut self.$extra);)?
                let mut any = false;
                let mut last = Order::START;
                loop {
                    let guess = ORDER.after(last);
                    let found = match map.next_key_seed(NextKey::of(KEYS, guess))? {
                        None => break,
                        Some(Found::Guessed) => guess,
                        Some(Found::Key(key)) => {
                            let found = match &*key {
                                $(
                                    stringify!($name) => object!(@index KEYS, $name),
                                    $(stringify!($alias) => object!(@index KEYS, $alias),)?
                                )+
                                _ => {
                                    object!(@unknown map, key $(, $extra)?);
                                    Order::OTHER
                                }
                            };
                            ORDER.learn(last, found);
                            found
                        }
                    };
                    last = found;
                    $(
                        if found == object!(@index KEYS, $name) {
                            $name.first(stringify!($name))?;
                            let came = self.$name.fill(map)?;
                            any |= came && Self::speaks(stringify!($name));
                            $name = Came::with(came);
                            continue;
                        }
                        $(
                            if found == object!(@index KEYS, $alias) {
                                $alias.first(stringify!($alias))?;
                                // Read even if the name has come already: a value of the wrong type
                                // is an error whichever of the two is first.
                                let came = if $name == Came::WithValue {
                                    $crate::models::object::spare(&self.$name).fill(map)?
                                } else {
                                    self.$name.fill(map)?
                                };
                                any |= came && Self::speaks(stringify!($name));
                                $alias = Came::with(came);
                                continue;
                            }
                        )?
                    )+
                    debug_assert_eq!(found, Order::OTHER, "a field, or an unknown key");
                }
                $(
                    if $name != Came::WithValue $(&& $alias != Came::WithValue)? {
                        self.$name.renew();
                    }
                )+
                $($extra.renew();)?
                Ok(any)
            }

            fn read<'de, D>(&mut self, deserializer: D) -> Result<bool, D::Error>
            where
                D: ::serde::de::Deserializer<'de>,
            {
                object!(@read self, deserializer $(, $reader)?)
            }
        }

        impl $crate::models::slot::Slot for $type {
            fn fill<'de, A>(&mut self, map: &mut A) -> Result<bool, A::Error>
            where
                A: ::serde::de::MapAccess<'de>,
            {
                map.next_value_seed($crate::models::object::ReadNullable(self))
            }

            fn renew(&mut self) {
                $(self.$name.renew();)+
                $(self.$extra.clear();)?
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D>(deserializer: D) -> Result<Self, D::Error>
            where
                D: ::serde::Deserializer<'de>,
            {
                let mut value = Self::default();
                $crate::models::object::Object::read(&mut value, deserializer)?;
                Ok(value)
            }
        }

        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap as _;

                let mut map = serializer.serialize_map(None)?;
                $(map.serialize_entry(stringify!($name), &self.$name)?;)+
                $(
                    for (key, value) in &self.$extra {
                        // Only a program can have put the name of a field here. With the key
                        // written twice, the object could not be read back.
                        if !<Self as $crate::models::object::Object>::is_own(key) {
                            map.serialize_entry(key, value)?;
                        }
                    }
                )?
                map.end()
            }
        }
    };

    (@quoted $key:ident) => {
        concat!("\"", stringify!($key), "\":")
    };

    (@index $keys:ident, $key:ident) => {
        const { Order::index($keys, object!(@quoted $key)) }
    };

    (@unknown $map:ident, $key:ident, $extra:ident) => {
        $extra.take($key, $map)?
    };
    (@unknown $map:ident, $key:ident) => {{
        $map.next_value::<::serde::de::IgnoredAny>()?;
    }};

    (@speaks $name:ident, $($aside:ident)|+) => {
        !matches!($name, $(stringify!($aside))|+)
    };
    (@speaks $name:ident) => {{
        let _ = $name;
        true
    }};

    (@read $self:ident, $deserializer:ident, $reader:path) => {
        $reader($self, $deserializer)
    };
    (@read $self:ident, $deserializer:ident) => {
        $deserializer.deserialize_map($crate::models::object::Fields($self))
    };
}
