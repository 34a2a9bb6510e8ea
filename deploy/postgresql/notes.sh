#!/bin/sh
# Runs once, when the volume of the database is made: a role and a database of the API's own. It cannot read the issuer's.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
  --set password="$(cat /run/secrets/notes_password)" <<'SQL'
REVOKE CONNECT ON DATABASE keyturn FROM PUBLIC;
CREATE ROLE notes LOGIN PASSWORD :'password';
CREATE DATABASE notes OWNER notes;
REVOKE CONNECT ON DATABASE notes FROM PUBLIC;
SQL
