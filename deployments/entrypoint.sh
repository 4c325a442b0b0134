#!/bin/sh
# Starts what a container was made for. Secrets come as mounted files, one per setting and named like its variable
# (STREAMLINER_PRIVACY__KEY, STREAMLINER_LLM__API_KEY); they reach this process alone, never a job variable.
set -eu
for file in "${SECRETS_FOLDER:-/run/secrets}"/STREAMLINER_*; do
    [ -f "$file" ] || continue
    if [ ! -r "$file" ]; then
        echo "The secret $file cannot be read by user $(id -u); give it that owner or a group it is in." >&2
        exit 2
    fi
    export "${file##*/}=$(cat "$file")"
done
exec "$@"
