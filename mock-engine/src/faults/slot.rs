//! One state of one layer: unset, clear, or set for a number of uses.

/// A state of one layer.
#[derive(Debug, Clone, Default)]
pub(super) enum Slot<T> {
    /// Nothing is set: the setting for all connections counts.
    #[default]
    Unset,
    /// Explicitly clear, whatever is set for all connections.
    Clear,
    Set(Setting<T>),
}

#[derive(Debug, Clone)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    /// Uses left; `None` if it lasts until cleared.
    pub(super) left: Option<u32>,
    pub(super) generation: u64,
}

impl<T> Slot<T> {
    pub(super) fn set(value: Option<T>, left: Option<u32>, generation: u64) -> Self {
        value.map_or(Self::Clear, |value| {
            Self::Set(Setting {
                value,
                left,
                generation,
            })
        })
    }

    pub(super) fn get(&self) -> Option<&T> {
        match self {
            Self::Set(setting) => Some(&setting.value),
            _ => None,
        }
    }

    /// Whether nothing is set.
    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::Unset)
    }

    /// Unsets it if `generation` set it; returns whether it did.
    pub(super) fn expire(&mut self, generation: u64) -> bool {
        let is = matches!(self, Self::Set(setting) if setting.generation == generation);
        if is {
            *self = Self::Unset;
        }
        is
    }
}

impl<T: Clone> Slot<T> {
    /// Spends one use; returns the value.
    pub(super) fn take_use(&mut self) -> Option<T> {
        let Self::Set(setting) = self else {
            return None;
        };
        let value = setting.value.clone();
        if let Some(left) = &mut setting.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                *self = Self::Unset;
            }
        }
        Some(value)
    }
}
