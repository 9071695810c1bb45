//! The command line, as its users see it: one file per verb, or per topic that several share.

mod chaos;
mod disk;
mod documents;
mod draw;
mod files;
mod import;
mod journal;
mod learn;
mod outputs;
mod proxy;
mod recording;
mod redact;
mod referee;
mod remedies;
mod replay;
mod rules;
mod serve;
mod serve_control;
mod serve_engines;
mod serve_expect;
mod serve_paths;
mod serve_tls;
mod serving;
mod stdout;
mod terminal;
mod upstream;
