//! How a type is read from, and written to, a JSON object.
//!
//! A derived decoder also takes an array, in field order, and buffers whatever `flatten` may need. Here the
//! keys are matched as they arrive, the fields are filled where they lie, and only objects are taken.

use std::borrow::Cow;
use std::fmt;

use crate::clean::Cursor;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};

/// A type that stands on the wire as a JSON object. Implemented by [`object!`].
pub(crate) trait Object {
    /// What an error says was expected.
    const EXPECTED: &'static str;

    /// Whether a field has this name or alias.
    fn is_own(key: &str) -> bool;

    /// Whether a field of this name, alone, makes an object a reading of its kind.
    fn speaks(name: &str) -> bool;

    /// Fills the fields from a map whose keys are still to come; `true` if a field that
    /// [speaks](Self::speaks) came with a value other than `null`.
    fn fields<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error>;

    /// Reads a whole value into `self`; `true` as for [`Object::fields`].
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<bool, D::Error>;

    /// Reads a whole clean value into `self`, whatever that held; `true` as for [`Object::fields`].
    fn reread(&mut self, cursor: &mut Cursor<'_>) -> Option<bool>;
}

/// Reads a value into the place it is to have: nothing is moved once decoded.
pub(crate) struct Read<'a, T>(pub(crate) &'a mut T);

impl<'de, T: Object> DeserializeSeed<'de> for Read<'_, T> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.0.read(deserializer)
    }
}

/// The visitor behind [`Object::read`] for what is an object and nothing else.
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

/// As [`Read`], but `null` is taken for a value that did not come.
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

/// A key of an object, borrowed from the message where it holds no escapes.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }

            fn visit_string<E: de::Error>(self, key: String) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key)))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
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
    /// What a key has become that came with a value, or with `null`.
    pub(super) fn with(value: bool) -> Self {
        if value { Self::WithValue } else { Self::AsNull }
    }

    /// Refuses a key that comes a second time: which of the two the engine means, nobody can tell.
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

/// Makes a struct an [`Object`](super::object::Object) that can be a field of another, with `Deserialize`
/// and `Serialize`: the type, what an error calls it, its fields as `name` or `name | alias`, the map that
/// takes unknown keys (without one they are skipped), the fields that by themselves say nothing of its kind,
/// and what reads and rereads it where that is not an object alone.
macro_rules! object {
    (
        $type:ident, $expected:literal,
        { $($name:ident $(| $alias:ident)?),+ $(,)? }
        $(, extra: $extra:ident)? $(, aside: $($aside:ident)|+)? $(, read: $reader:path, reread: $rereader:path)?
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
                use $crate::models::object::{Came, Key};
                use $crate::models::slot::Slot;

                $(
                    let mut $name = Came::Not;
                    $(let mut $alias = Came::Not;)?
                )+
                let mut any = false;
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        $(
                            stringify!($name) => {
                                $name.first(stringify!($name))?;
                                let came = self.$name.fill(map)?;
                                any |= came && Self::speaks(stringify!($name));
                                $name = Came::with(came);
                            }
                            $(
                                stringify!($alias) => {
                                    $alias.first(stringify!($alias))?;
                                    // Read even where the name has come already: a value of the wrong
                                    // type is an error whichever of the two is first.
                                    let came = if $name == Came::WithValue {
                                        $crate::models::object::spare(&self.$name).fill(map)?
                                    } else {
                                        self.$name.fill(map)?
                                    };
                                    any |= came && Self::speaks(stringify!($name));
                                    $alias = Came::with(came);
                                }
                            )?
                        )+
                        _ => object!(@unknown self, map, key $(, $extra)?),
                    }
                }
                Ok(any)
            }

            fn read<'de, D>(&mut self, deserializer: D) -> Result<bool, D::Error>
            where
                D: ::serde::de::Deserializer<'de>,
            {
                object!(@read self, deserializer $(, $reader)?)
            }

            #[inline]
            fn reread(&mut self, cursor: &mut $crate::clean::Cursor<'_>) -> Option<bool> {
                object!(@reread self, cursor $(, $rereader)?)
            }
        }

        impl $type {
            /// Takes a clean object. A field that comes twice, under one name or two, is left to the
            /// general decoder.
            fn reread_object(&mut self, cursor: &mut $crate::clean::Cursor<'_>) -> Option<bool> {
                use $crate::clean::{Habit, Refill};

                const KEYS: &[&str] = &[$(stringify!($name) $(, stringify!($alias))?),+];

                $(let mut $name = false;)+
                $(let mut $extra = $crate::clean::Extras::new(&mut self.$extra);)?
                let habit = cursor.habit($crate::clean::Type::$type);
                let mut last = Habit::START;
                let mut any = false;
                let mut more = !cursor.open(b'{', b'}')?;
                while more {
                    let guess = habit.after(last);
                    let hit = 'hit: {
                        $(
                            object!(@guess 'hit, guess, cursor, KEYS, $name);
                            $(object!(@guess 'hit, guess, cursor, KEYS, $alias);)?
                        )+
                        false
                    };
                    let found = if hit {
                        guess
                    } else {
                        let key = cursor.key()?;
                        let found = match key {
                            $(
                                stringify!($name) => const { Habit::index(KEYS, stringify!($name)) },
                                $(
                                    stringify!($alias) => {
                                        const { Habit::index(KEYS, stringify!($alias)) }
                                    }
                                )?
                            )+
                            _ => {
                                object!(@extra cursor, key $(, $extra)?);
                                Habit::OTHER
                            }
                        };
                        habit.learn(last, found);
                        found
                    };
                    'field: {
                        $(
                            if found == const { Habit::index(KEYS, stringify!($name)) }
                                $(|| found == const { Habit::index(KEYS, stringify!($alias)) })?
                            {
                                if $name {
                                    return None;
                                }
                                $name = true;
                                any |= self.$name.refill(cursor)?
                                    && <Self as $crate::models::object::Object>::speaks(
                                        stringify!($name),
                                    );
                                break 'field;
                            }
                        )+
                        debug_assert_eq!(found, Habit::OTHER, "a field, or an unknown key");
                    }
                    last = found;
                    more = cursor.more(b'}')?;
                }
                $(
                    if !$name {
                        self.$name.renew();
                    }
                )+
                $($extra.end();)?
                Some(any)
            }
        }

        impl $crate::clean::Refill for $type {
            fn refill(&mut self, cursor: &mut $crate::clean::Cursor<'_>) -> Option<bool> {
                if cursor.null() {
                    self.renew();
                    return Some(false);
                }
                $crate::models::object::Object::reread(self, cursor)?;
                Some(true)
            }

            fn renew(&mut self) {
                $(self.$name.renew();)+
                $(self.$extra.clear();)?
            }
        }

        impl $crate::models::slot::Slot for $type {
            fn fill<'de, A>(&mut self, map: &mut A) -> Result<bool, A::Error>
            where
                A: ::serde::de::MapAccess<'de>,
            {
                map.next_value_seed($crate::models::object::ReadNullable(self))
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
                        // Only a program can have put an own name here; written twice, the object could
                        // not be read again.
                        if !<Self as $crate::models::object::Object>::is_own(key) {
                            map.serialize_entry(key, value)?;
                        }
                    }
                )?
                map.end()
            }
        }
    };

    (@unknown $self:ident, $map:ident, $key:ident, $extra:ident) => {{
        let $crate::models::plain::Plain(value) = $map.next_value()?;
        if $self.$extra.insert($key.into_owned(), value).is_some() {
            return Err(::serde::de::Error::custom("an unknown key came twice"));
        }
    }};
    (@unknown $self:ident, $map:ident, $key:ident) => {{
        $map.next_value::<::serde::de::IgnoredAny>()?;
    }};

    (@speaks $name:ident, $($aside:ident)|+) => {
        !matches!($name, $(stringify!($aside))|+)
    };
    (@speaks $name:ident) => {{
        let _ = $name;
        true
    }};

    (@guess $hit:lifetime, $guess:ident, $cursor:ident, $keys:ident, $key:ident) => {
        if $guess == const { Habit::index($keys, stringify!($key)) } {
            break $hit $cursor.guessed_key(concat!("\"", stringify!($key), "\":"));
        }
    };

    (@extra $cursor:ident, $key:ident, $extra:ident) => {
        $extra.take($key, $cursor)?
    };
    (@extra $cursor:ident, $key:ident) => {
        $cursor.skip()?
    };

    (@reread $self:ident, $cursor:ident, $rereader:path) => {
        $rereader($self, $cursor)
    };
    (@reread $self:ident, $cursor:ident) => {
        $self.reread_object($cursor)
    };

    (@read $self:ident, $deserializer:ident, $reader:path) => {
        $reader($self, $deserializer)
    };
    (@read $self:ident, $deserializer:ident) => {
        $deserializer.deserialize_map($crate::models::object::Fields($self))
    };
}
