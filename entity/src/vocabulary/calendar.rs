//! Vocabularies of business calendars.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What a calendar's day is, against what its day of the week says. 日历日的特殊类型。
    CalendarDayKind {
        /// Not worked. 节假日。
        Holiday = "HOLIDAY",
        /// Worked, to make up for a holiday. 调休上班日。
        MakeUpWorkday = "MAKE_UP_WORKDAY",
    }

    /// Unit of a span of time; units are never converted into each other. 时限单位，互不折算。
    SpanUnit {
        /// Hours, counted exactly. 小时，逐时计算。
        Hours = "HOURS",
        /// Days, worked or not. 自然日。
        CalendarDays = "CALENDAR_DAYS",
        /// Months; to the last day of a shorter month. 月；遇较短月份取月末。
        Months = "MONTHS",
        /// Days that are worked. 工作日。
        WorkingDays = "WORKING_DAYS",
        /// Hours of days that are worked, counted exactly within the calendar's working hours. 工作小时，仅在日历的工作时段内逐时计算。
        WorkingHours = "WORKING_HOURS",
    }

    /// Form of a file with a calendar's days. 日历文件格式。
    CalendarFormat {
        /// A table with the columns date, kind and name. 含 date、kind、name 列的表格。
        Csv = "CSV",
        /// iCalendar, RFC 5545; all-day events. iCalendar，全天日程。
        Ics = "ICS",
    }

    /// Day of the week. 星期。
    Weekday {
        /// Monday. 星期一。
        Monday = "MONDAY",
        /// Tuesday. 星期二。
        Tuesday = "TUESDAY",
        /// Wednesday. 星期三。
        Wednesday = "WEDNESDAY",
        /// Thursday. 星期四。
        Thursday = "THURSDAY",
        /// Friday. 星期五。
        Friday = "FRIDAY",
        /// Saturday. 星期六。
        Saturday = "SATURDAY",
        /// Sunday. 星期日。
        Sunday = "SUNDAY",
    }
}

impl From<Weekday> for chrono::Weekday {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

impl From<chrono::Weekday> for Weekday {
    fn from(day: chrono::Weekday) -> Self {
        match day {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }
}
