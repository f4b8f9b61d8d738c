//! Vocabulary of pictures.

use async_graphql::Enum;
use sea_orm::prelude::StringLen;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

vocabulary! {
    /// What came of looking whether a file is a picture that can be compared. The file is kept, whatever it is. 对附件进行图片比对的结果；无论结果如何，附件均予保留。
    PictureVerdict {
        /// A picture that is compared with others. 已参与比对。
        Compared = "COMPARED",
        /// A picture on which too little is to be seen. 画面内容过少，不参与比对。
        Plain = "PLAIN",
        /// No picture, by its bytes. 按内容判断不是图片。
        NotAPicture = "NOT_A_PICTURE",
        /// A picture of a format that is not read. 图片格式不支持。
        NotRead = "NOT_READ",
        /// Too many bytes or pixels, a side that is too long, or a process that did not come back from reading it. 字节、像素或边长超限，或读取进程因其异常终止。
        TooLarge = "TOO_LARGE",
        /// It cannot be read to its end. 图片损坏或不完整。
        Damaged = "DAMAGED",
        /// It was not read in time. 解码超时。
        TooSlow = "TOO_SLOW",
    }
}
