-- Three users of the database with no more rights than each needs. Run it as a superuser in vulndesk's database, after the
-- first `vulndesk migrate` and again after each upgrade's: psql -v ON_ERROR_STOP=1 -f postgresql-roles.sql vulndesk
--
--   vulndesk_owner  owns the tables: `vulndesk migrate` and `restore`, pg_dump
--   vulndesk_app    `vulndesk serve`, `worker` and all other commands: rows alone, and of what is only ever added to, no change
--   vulndesk_read   reads, but no secret: for reports of your own; it sees every event, whatever its TLP level
--
-- None has a password yet: \password vulndesk_app
BEGIN;

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['vulndesk_owner', 'vulndesk_app', 'vulndesk_read'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', role);
            EXCEPTION
                -- Users are the whole server's: another database's run was first.
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO vulndesk_owner, vulndesk_app, vulndesk_read', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO vulndesk_owner;
GRANT USAGE ON SCHEMA public TO vulndesk_app, vulndesk_read;

-- Whatever was granted before. No TRUNCATE, no REFERENCES, no TRIGGER: neither is needed.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, vulndesk_app, vulndesk_read;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, vulndesk_app, vulndesk_read;

DO $$
DECLARE
    name text;
    -- Rows are taken away here only.
    shrinking CONSTANT text[] := ARRAY[
        'calendar_day', 'denied_token', 'digest', 'event_access', 'hook_inbox', 'hook_secret', 'idempotency', 'picture',
        'picture_band', 'picture_look', 'platform_account', 'principal', 'product_customer', 'reply_attachment',
        'report_feature', 'search_entry', 'stored_file', 'webhook_secret'
    ];
    -- Rows are only ever added: the record, what was sent and received, what was decided.
    growing CONSTANT text[] := ARRAY[
        'access_record', 'affected_customer', 'audit_anchor', 'bonus_run', 'budget_entry', 'delivery_attempt', 'duplicate_decision',
        'duplicate_decision_reason', 'event_link', 'instance', 'payout_change', 'rating_policy', 'reply_draft', 'reply_file',
        'reply_obligation', 'reply_template_text', 'report_version', 'reward_grid', 'reward_grid_cell', 'status_change',
        'technical_severity', 'verification', 'world_fact'
    ];
    -- Rows are only ever added, and these columns of theirs are filled in later.
    filled CONSTANT text[] := ARRAY[
        'audit_entry', 'position, seal',
        'comment', 'event_id',
        'message', 'position'
    ];
    -- Rows go when their time is over, whatever else holds of them.
    passing CONSTANT text[] := ARRAY['delivery', 'delivery_attempt', 'message', 'notice'];
    -- What nobody reads but the product: secrets, sealed or hashed, and the key of event numbers.
    secret CONSTANT text[] := ARRAY[
        'calendar_feed', 'denied_token', 'hook_secret', 'instance', 'reply_route', 'tracker', 'webhook_endpoint',
        'webhook_secret'
    ];
BEGIN
    FOR name IN
        SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    LOOP
        IF name = 'seaql_migrations' THEN
            EXECUTE format('GRANT SELECT ON %I TO vulndesk_app', name);
        ELSIF name = ANY (growing || filled) THEN
            EXECUTE format('GRANT SELECT, INSERT ON %I TO vulndesk_app', name);
        ELSIF name = ANY (shrinking) THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO vulndesk_app', name);
        ELSE
            EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO vulndesk_app', name);
        END IF;
        IF name <> ALL (secret) THEN
            EXECUTE format('GRANT SELECT ON %I TO vulndesk_read', name);
        END IF;
    END LOOP;
    FOR pair IN 1 .. array_length(filled, 1) / 2 LOOP
        EXECUTE format('GRANT UPDATE (%s) ON %I TO vulndesk_app', filled[2 * pair], filled[2 * pair - 1]);
    END LOOP;
    FOREACH name IN ARRAY passing LOOP
        EXECUTE format('GRANT DELETE ON %I TO vulndesk_app', name);
    END LOOP;
    -- A name that meets no table would look like a rule and be none.
    FOREACH name IN ARRAY shrinking || growing || secret LOOP
        IF to_regclass(format('public.%I', name)) IS NULL THEN
            RAISE EXCEPTION 'there is no table %: this script is for another version of vulndesk', name;
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO vulndesk_app;

-- What the next upgrade makes works at once; running this script again narrows it.
ALTER DEFAULT PRIVILEGES FOR ROLE vulndesk_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO vulndesk_app;
ALTER DEFAULT PRIVILEGES FOR ROLE vulndesk_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO vulndesk_app;

COMMIT;
