//! The subscriber's contract (SPEC, sections 3 and 4), rule by rule, in virtual time: engine and
//! subscriber in one runtime, every time exact to the microsecond.
//!
//! | module | what it holds the subscriber to |
//! | --- | --- |
//! | `ladder` | rules 1, 3 and 8: the delays between connects |
//! | `resets` | rule 2: what takes the ladder back to its first step, and what does not |
//! | `connect` | rule 4: the connect timeout |
//! | `liveness` | rule 5: Pings, idle connections, partitions |
//! | `refusals` | rule 6: refused handshakes, `Retry-After`, redirects |
//! | `shutdown`, `dropped` | rule 7, and the handle that is dropped instead |
//! | `jitter` | rule 8: crowds that do not return together |
//! | `ends` | rule 9 and the definition of an end |
//! | `secrets` | rule 10 |
//! | `bounds`, `receivers`, `floods` | rules 11 and 12, and many messages at one instant |
//! | `tls` | rule 4 and `wss`, on real sockets |
//! | `known_defects` | what the known subscriber of this kind does wrong |
//! | `world`, `transports`, `tls_front` | what the tests stand on |

mod bounds;
mod connect;
mod dropped;
mod ends;
mod floods;
mod jitter;
mod known_defects;
mod ladder;
mod liveness;
mod receivers;
mod refusals;
mod resets;
mod secrets;
mod shutdown;
mod tls;
mod tls_front;
mod transports;
mod world;
