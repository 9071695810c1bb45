//! A disk that does not keep up.
