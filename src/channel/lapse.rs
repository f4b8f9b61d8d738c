//! Platform accounts that are about to lapse: told once for each last day.

use chrono::{DateTime, Days, Utc};
use entity::platform_account;
use sea_orm::sea_query::{Condition, Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::Action;
use crate::error::Result;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::schedule::Due;

/// How long before its last day people are told.
const NOTICE: Days = Days::new(30);

/// Accounts on channels' platforms whose last day is near.
pub struct AccountLapse;

impl Due for AccountLapse {
    const NAME: &'static str = "platform accounts";

    async fn due(app: &App, at: DateTime<Utc>, after: Uuid, limit: u64) -> Result<Vec<Uuid>> {
        let told_for = Expr::col(platform_account::Column::LapseToldFor);
        let untold = Condition::any()
            .add(platform_account::Column::LapseToldFor.is_null())
            .add(told_for.ne(Expr::col(platform_account::Column::ValidUntil)));
        let select = platform_account::Entity::find()
            .select_only()
            .column(platform_account::Column::Id)
            .filter(platform_account::Column::ValidUntil.lte(at.date_naive() + NOTICE))
            .filter(untold)
            .filter(platform_account::Column::Id.gt(after))
            .order_by_asc(platform_account::Column::Id)
            .limit(limit);
        Ok(select.into_tuple().all(app.database.reader()).await?)
    }

    async fn carry_out(app: &App, actor: &Actor, piece: Uuid) -> Result<()> {
        let found = platform_account::Entity::find_by_id(piece).one(app.database.reader()).await?;
        let Some(before) = found.filter(|row| row.lapse_told_for != row.valid_until) else { return Ok(()) };
        let channel = store::find(app, before.channel_id).await?;
        let mut changes = ChangeSet::new(app, actor, Action::AnnounceAccountLapse);
        let told = platform_account::Model { lapse_told_for: before.valid_until, ..before.clone() };
        changes.update(&before, &told);
        let (account, of) = (Opaque::new(before.id), Opaque::new(channel.id));
        changes.message(app, None, &message::PlatformAccountLapsing { account, channel: of });
        changes.revise(app, &channel, channel.clone(), None, Bump::RevisionOnly);
        app.commit(changes).await
    }
}
