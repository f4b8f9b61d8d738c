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
