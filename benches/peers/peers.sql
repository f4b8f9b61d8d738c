-- One status move with its audit entry and message, for peers that have no such thing themselves.
CREATE SCHEMA peers;
CREATE FUNCTION peers.start_triage(id uuid) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  WITH moved AS (UPDATE public.event SET status = 'TRIAGING', version = version + 1, revision = revision + 1, changed_at = now()
    WHERE event.id = $1 AND version = 1 RETURNING event.id, revision),
  changed AS (INSERT INTO public.status_change (id, event_id, pass, from_status, to_status, reason, changed_by, changed_at)
    SELECT gen_random_uuid(), id, 1, 'RECEIVED', 'TRIAGING', NULL, 'analyst-1', now() FROM moved),
  audited AS (INSERT INTO public.audit_entry
      (id, aggregate_kind, aggregate_id, event_id, revision, at, actor, roles, action, details, previous, digest)
    SELECT gen_random_uuid(), 'event', id, id, revision, now(), 'analyst-1', 'ANALYST', 'startTriage', '[]', '\x00', '\x00' FROM moved),
  told AS (INSERT INTO public.message (id, kind, event_id, data, created_at)
    SELECT gen_random_uuid(), 'event.status_changed', id, '{}', now() FROM moved)
  SELECT revision FROM moved
$$;
