//! Finding pictures, and what is to be looked at.

use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::{AttachmentKind, PictureVerdict};
use entity::{attachment, picture, picture_band, picture_look, report};
use sea_orm::sea_query::{Condition, DeleteStatement, Expr, ExprTrait, OnConflict, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef,
};
use uuid::Uuid;

use super::view::View;
use crate::app::App;
use crate::attachment::store as attachments;
use crate::auth::{Actor, visibility};
use crate::error::Result;

/// Pictures of a report that are looked for, the newest ones.
const OF_REPORT: u64 = 8;
/// Most pictures that are compared, the newest ones.
const COMPARED: u64 = 500;

fn attachment_of_picture() -> RelationDef {
    picture::Entity::belongs_to(attachment::Entity)
        .from(picture::Column::AttachmentId)
        .to(attachment::Column::Id)
        .into()
}

/// The pictures of a report that the actor has found, as far as they may read them: name, and what is kept of each.
pub(super) async fn of_report(app: &App, actor: &Actor, report: Uuid) -> Result<Vec<(String, Vec<View>)>> {
    let select = picture::Entity::find()
        .join(JoinType::InnerJoin, attachment_of_picture())
        .select_only()
        .column(attachment::Column::Name)
        .column(picture::Column::Hashes)
        .filter(picture::Column::Verdict.eq(PictureVerdict::Compared))
        .filter(attachment::Column::ReportId.eq(report))
        .filter(attachment::Column::FileId.is_not_null())
        .filter(attachments::readable(actor))
        .order_by_desc(picture::Column::AttachmentId)
        .limit(OF_REPORT);
    let rows: Vec<(String, Vec<u8>)> = select.into_tuple().all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|(name, kept)| (name, View::decode(&kept))).collect())
}

/// Pictures that share one of these pieces, of reports received before `report`, among the reports and files that the actor may see: the
/// report of each, and what is kept of it.
pub(super) async fn sharing(
    app: &App,
    actor: &Actor,
    report: &report::Model,
    bands: Vec<i64>,
) -> Result<Vec<(Uuid, Vec<View>)>> {
    if bands.is_empty() {
        return Ok(Vec::new());
    }
    let having = Query::select()
        .column(picture_band::Column::AttachmentId)
        .from(picture_band::Entity)
        .and_where(Expr::col(picture_band::Column::Band).is_in(bands))
        .take();
    let of = |column: report::Column| Expr::col((report::Entity, column));
    let earlier = of(report::Column::ReceivedAt)
        .lt(report.received_at)
        .or(of(report::Column::ReceivedAt).eq(report.received_at).and(of(report::Column::Id).lt(report.id)));
    let earlier = Condition::all().add(earlier).add(visibility::visible_report(actor));
    let select = picture::Entity::find()
        .join(JoinType::InnerJoin, attachment_of_picture())
        .select_only()
        .column(attachment::Column::ReportId)
        .column(picture::Column::Hashes)
        .filter(picture::Column::AttachmentId.in_subquery(having))
        .filter(attachment::Column::FileId.is_not_null())
        .filter(visibility::of_report(attachment::Column::ReportId, earlier))
        .filter(attachments::visible(actor))
        .order_by_desc(picture::Column::AttachmentId)
        .limit(COMPARED);
    let rows: Vec<(Uuid, Vec<u8>)> = select.into_tuple().all(app.database.reader()).await?;
    Ok(rows.into_iter().map(|(report, kept)| (report, View::decode(&kept))).collect())
}

/// Nobody looked at the attachment yet.
fn is_unseen() -> Condition {
    let seen: SimpleExpr = Expr::exists(
        Query::select()
            .expr(Expr::val(1))
            .from(picture::Entity)
            .and_where(
                Expr::col((picture::Entity, picture::Column::AttachmentId))
                    .equals((attachment::Entity, attachment::Column::Id)),
            )
            .take(),
    );
    Condition::all()
        .add(attachment::Column::Kind.eq(AttachmentKind::File))
        .add(attachment::Column::FileId.is_not_null())
        .add(seen.not())
}

/// Files that nobody looked at yet, with ids after `after`.
pub(super) async fn unseen(app: &App, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = attachment::Entity::find()
        .select_only()
        .column(attachment::Column::Id)
        .filter(attachment::Column::Id.gt(after))
        .filter(is_unseen())
        .order_by_asc(attachment::Column::Id)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// The attachment, if nobody looked at it yet.
pub(super) async fn if_unseen(app: &App, id: Uuid) -> Result<Option<attachment::Model>> {
    let select = attachment::Entity::find_by_id(id).filter(is_unseen());
    Ok(select.one(app.database.reader()).await?)
}

/// Whether a look begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// It begins here.
    Here,
    /// It goes on elsewhere.
    Elsewhere,
    /// One began that never ended.
    NeverEnded,
}

/// Writes that `by` looks at an attachment, for as long as `lease`, where nobody does.
pub(super) async fn begin(
    app: &App,
    attachment: Uuid,
    by: Uuid,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> Result<Begun> {
    use picture_look::Column as C;
    let mut begin = Query::insert();
    begin
        .into_table(picture_look::Entity)
        .columns([C::AttachmentId, C::LeaseBy, C::LeaseUntil])
        .values_panic([attachment.into(), by.into(), (now + lease).into()])
        .on_conflict(OnConflict::column(C::AttachmentId).do_nothing().to_owned());
    if app.database.writer().execute(&begin).await?.rows_affected() == 1 {
        return Ok(Begun::Here);
    }
    let known = picture_look::Entity::find_by_id(attachment).one(app.database.reader()).await?;
    Ok(if known.is_some_and(|known| known.lease_until <= now) { Begun::NeverEnded } else { Begun::Elsewhere })
}

/// The look at an attachment has ended.
pub(super) fn looked(attachment: Uuid) -> DeleteStatement {
    Query::delete()
        .from_table(picture_look::Entity)
        .and_where(picture_look::Column::AttachmentId.eq(attachment))
        .take()
}

/// What `by` looked at may be looked at again.
pub(super) async fn no_longer_looks(app: &App, by: Uuid) -> Result<()> {
    let looks = picture_look::Entity::delete_many().filter(picture_look::Column::LeaseBy.eq(by));
    looks.exec(app.database.writer()).await?;
    Ok(())
}

/// Pictures whose attachment has no bytes any more, with ids after `after`.
pub(super) async fn gone(app: &App, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
    let select = picture::Entity::find()
        .join(JoinType::InnerJoin, attachment_of_picture())
        .select_only()
        .column(picture::Column::AttachmentId)
        .filter(picture::Column::AttachmentId.gt(after))
        .filter(attachment::Column::FileId.is_null())
        .order_by_asc(picture::Column::AttachmentId)
        .limit(limit);
    Ok(select.into_tuple().all(app.database.reader()).await?)
}

/// Deletes a picture and the pieces by which it is found.
pub(super) fn forget(attachment: Uuid) -> [DeleteStatement; 2] {
    let of = |table: &'static str| {
        Query::delete().from_table(table).and_where(Expr::col("attachment_id").eq(attachment)).take()
    };
    [of("picture_band"), of("picture")]
}
