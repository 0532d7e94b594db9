//! From text to typed values: what is wrong with one value, with its line.
//!
//! A deserializer stops at the first error of a file. This walks the parsed TOML instead: a value that cannot be read
//! is reported and replaced by a stand-in of its kind, so that one run finds everything that is wrong.

mod duration;
mod file;
mod kinds;
mod local;
mod report;
mod rows;
mod street;
mod table;

pub(crate) use duration::written;
pub(crate) use file::File;
pub(crate) use kinds::{
    Accepted, Among, Day, Degrees, Eui, FilePath, Filter, Host, Id, Ids, Kind, Listen, LocalTime, Named,
    Names, Number, Rgb, Share, Span, SpanOrForever, Text, TimeZone, Whole, Word,
};
pub(crate) use local::{Level, Local};
pub(crate) use report::Report;
#[cfg(test)]
pub(crate) use report::{Documented, Key};
pub(crate) use rows::{Row, Rows};
pub(crate) use street::{Course, LinkName, MODES, ModeList, Truth, link_id};
pub(crate) use table::Table;
