//! The host's clock. This target has none of its own, so the plugin asks WASI for it.

#[link(wasm_import_module = "wasi_snapshot_preview1")]
extern "C" {
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
}

/// A time in UTC.
pub struct Time {
    day: String,
    second: u64,
}

impl Time {
    /// Returns the day as `YYYYMMDD`.
    pub fn day(&self) -> String {
        self.day.clone()
    }

    /// Returns the time as `YYYYMMDDTHHMMSSZ`.
    pub fn stamp(&self) -> String {
        format!("{}T{:02}{:02}{:02}Z", self.day, self.second / 3600, self.second / 60 % 60, self.second % 60)
    }
}

/// Returns the time that it is.
pub fn now() -> Time {
    let mut nanoseconds = 0;
    unsafe { clock_time_get(0, 0, &mut nanoseconds) };
    let seconds = nanoseconds / 1_000_000_000;
    Time { day: date(seconds / 86_400), second: seconds % 86_400 }
}

/// Returns the date that is some days after the first of 1970.
fn date(days: u64) -> String {
    let (mut year, mut left) = (1970, days);
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while left >= 365 + is_leap(year) as u64 {
        left -= 365 + is_leap(year) as u64;
        year += 1;
    }
    let lengths = [31, 28 + is_leap(year) as u64, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    format!("{:04}{:02}{:02}", year, month + 1, left + 1)
}
