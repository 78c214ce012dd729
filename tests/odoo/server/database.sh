# PostgreSQL on a socket in the cache, and in it the databases: one prepared, the others copies. Sourced by start.
# shellcheck shell=bash

find_pg() {
  local d suite ver
  PGLIB=
  if [ -z "${ODOO_OWN_POSTGRES:-}" ]; then
    d=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
    if [ -n "$d" ] && [ -x "$d/initdb" ]; then PGBIN=$d; return; fi
  fi
  d=$CACHE/pgroot
  if [ ! -f "$CACHE/pgroot.stamp" ]; then
    suite=$(. /etc/os-release; echo "$VERSION_CODENAME")
    apt_ready "$suite"
    ver=$(apt_private "$suite" apt-cache pkgnames postgresql- | grep -E '^postgresql-[0-9]+$' | sort -V | tail -1)
    say "PostgreSQL is not installed here: fetching $ver into the cache"
    fetch_tree "$suite" "$ver" "$d"
    touch "$CACHE/pgroot.stamp"
  fi
  PGBIN=$(ls -d "$d"/usr/lib/postgresql/*/bin | sort -V | tail -1)
  PGLIB=$(ls -d "$d"/usr/lib/*-linux-gnu "$d"/lib/*-linux-gnu 2>/dev/null | paste -sd:)
}

# PostgreSQL refuses to run as root: as root it runs as "postgres" or "nobody". Where that
# user may not enter the cache folder (below a private home, say) it gets just that right.
pg_identity() {
  PGRUN=()
  [ "$(id -u)" = 0 ] || return 0
  PGUSER_OS=nobody; id postgres >/dev/null 2>&1 && PGUSER_OS=postgres
  local cap
  for cap in "" dac_read_search dac_override; do
    PGRUN=(setpriv --reuid="$PGUSER_OS" --regid="$(id -g "$PGUSER_OS")" --clear-groups)
    [ -z "$cap" ] || PGRUN+=(--securebits=+no_setuid_fixup --inh-caps="+$cap" --ambient-caps="+$cap")
    if "${PGRUN[@]}" test -x "$CACHE" -a -r "$CACHE" 2>/dev/null; then return 0; fi
  done
  die "user $PGUSER_OS cannot enter $CACHE: set ODOO_CACHE to a folder it may enter"
}
pg() {  # run a PostgreSQL program as its user
  (cd / && "${PGRUN[@]}" env -u PGDATA -u PGHOST -u PGPORT LC_ALL=C ${PGLIB:+LD_LIBRARY_PATH="$PGLIB"} "$PGBIN/$1" "${@:2}")
}
sql() {  # $1 = database, $2 = statement
  (cd / && env ${PGLIB:+LD_LIBRARY_PATH="$PGLIB"} PGOPTIONS="-c client_min_messages=warning" \
    "$PGBIN/psql" -XAtq -v ON_ERROR_STOP=1 -h "$CACHE/pg/run" -p 5432 -U odoo -d "$1" -c "$2")
}
start_pg() {
  find_pg; pg_identity
  mkdir -p "$CACHE/pg/run"; chmod 755 "$CACHE/pg"
  if [ ! -f "$CACHE/pg/ready" ]; then
    rm -rf "$CACHE/pg/data"; mkdir -p "$CACHE/pg/data"
    [ -z "${PGUSER_OS:-}" ] || chown -R "$PGUSER_OS" "$CACHE/pg"
    chmod 700 "$CACHE/pg/data"
    say "creating the PostgreSQL cluster"
    pg initdb -D "$CACHE/pg/data" -U odoo -A trust -E UTF8 --locale=C >"$CACHE/log/initdb.log" 2>&1 ||
      { cat "$CACHE/log/initdb.log" >&2; die "initdb failed"; }
    # throw-away data: speed before durability; no TCP port, only a socket in the cache
    cat >>"$CACHE/pg/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$CACHE/pg/run'
port = 5432
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 100
shared_buffers = 256MB
CONF
    touch "$CACHE/pg/ready"
  fi
  if ! pg pg_ctl -D "$CACHE/pg/data" status >/dev/null 2>&1; then
    say "starting PostgreSQL"
    pg pg_ctl -D "$CACHE/pg/data" -l "$CACHE/pg/log" -w -t 60 start >"$CACHE/log/pg_ctl.log" 2>&1 9>&- ||
      { cat "$CACHE/log/pg_ctl.log" "$CACHE/pg/log" >&2; die "PostgreSQL did not start"; }
  fi
}

# (a server that reaches its soft limit of memory starts itself anew, in the middle of a test)
write_conf() {
  cat >"$CACHE/odoo.conf" <<CONF
[options]
addons_path = $CACHE/src/usr/lib/python3/dist-packages/odoo/addons
data_dir = $CACHE/data
db_host = $CACHE/pg/run
db_port = 5432
db_user = odoo
http_interface = 127.0.0.1
http_port = $PORT
$([ "${VERSION%%.*}" -ge 16 ] && echo gevent_port || echo longpolling_port) = $((PORT + 3))
max_cron_threads = 0
workers = ${ODOO_WORKERS:-0}
limit_time_cpu = 600
limit_time_real = 1200
limit_memory_soft = $((6 << 30))
limit_memory_hard = $((8 << 30))
admin_passwd = admin
$([ "$SERIES" = latest ] && echo skip_auto_install = True || echo "dbfilter = ^syncd\$")
CONF
}

# What tests use without this script: SQL in a database, and an Odoo process of their own.
write_programs() {
  local psql=("$PGBIN/psql" -XAtq -v ON_ERROR_STOP=1 -h "$CACHE/pg/run" -p 5432 -U odoo)
  program psql env ${PGLIB:+LD_LIBRARY_PATH="$PGLIB"} "PGOPTIONS=-c client_min_messages=warning" "${psql[@]}"
  program odoo "${ODOO[@]}" -c "$CACHE/odoo.conf"
}
program() {  # $1 = name, then the command; replaced as a whole, for others may run it just now
  local file=$CACHE/run/$1; shift
  { echo '#!/usr/bin/env bash'; printf 'exec'; printf ' %q' "$@"; echo ' "$@"'; } >"$file.new"
  chmod 755 "$file.new"; mv "$file.new" "$file"
}

# A prepared database for each chart of accounts, from which all others are copied.
prepare_template() {
  TPL=tpl_$CHART
  [ -f "$CACHE/keys/$CHART.env" ] && [ "$(sql postgres "select 1 from pg_database where datname='$TPL'")" = 1 ] && return
  say "creating the database (chart of accounts: $CHART)"
  rm -f "$CACHE/keys/$CHART.env"
  sql postgres "drop database if exists $TPL with (force)"
  rm -rf "$CACHE/data/filestore/$TPL"
  sql postgres "create database $TPL encoding 'UTF8' lc_collate 'C' template template0"
  local modules=account out=$CACHE/log/setup-$CHART
  [ "$SERIES" = latest ] || modules=account,l10n_$CHART
  "${ODOO[@]}" -c "$CACHE/odoo.conf" -d "$TPL" -i "$modules" --without-demo=all --stop-after-init --no-http \
    >"$CACHE/log/install-$CHART.log" 2>&1 9>&- || { tail -30 "$CACHE/log/install-$CHART.log" >&2; die "Odoo's installation failed"; }
  say "setting up company, taxes, currencies and users"
  ODOO_CHART=$CHART "${ODOO[@]}" shell -c "$CACHE/odoo.conf" -d "$TPL" --no-http \
    <"$here/prepare.py" >"$out.out" 2>"$out.log" 9>&- || true
  (umask 077; sed -n 's/^.*KEYLINE //p' "$out.out" >"$CACHE/keys/$CHART.env.new")
  rm -f "$out.out"
  grep -q ODOO_SYNC_API_KEY "$CACHE/keys/$CHART.env.new" || { tail -15 "$out.log" >&2; die "setting up the database failed"; }
  mv "$CACHE/keys/$CHART.env.new" "$CACHE/keys/$CHART.env"
}

copy_db() {  # $1 = database
  local DB=$1 have of
  of="$CHART $(sha256sum <"$CACHE/keys/$CHART.env" | cut -c1-16)"   # which prepared database, which keys
  have=$(sql postgres "select 1 from pg_database where datname='$DB'")
  if [ -n "$have" ] && [ "$(cat "$CACHE/run/db-$DB" 2>/dev/null)" != "$of" ]; then
    say "dropping database $DB, which is a copy of another"
    stop_odoo   # the running server holds caches of it
    sql postgres "drop database $DB with (force)"; have=
  fi
  [ -z "$have" ] || return 0
  say "copying the prepared database to $DB"
  sql postgres "select pg_terminate_backend(pid) from pg_stat_activity where datname='$TPL'" >/dev/null
  sql postgres "create database $DB template $TPL"
  rm -rf "$CACHE/data/filestore/$DB"
  [ ! -d "$CACHE/data/filestore/$TPL" ] || cp -a "$CACHE/data/filestore/$TPL" "$CACHE/data/filestore/$DB"
  echo "$of" >"$CACHE/run/db-$DB"
}
