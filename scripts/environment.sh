# Sourced by scripts/demo and scripts/test: makes a virtual environment, once for each state of the requirements.
#
# ensure_environment FOLDER REQUIREMENT...   (for example: ensure_environment .venv -e '.[dev]')

ensure_environment() {
    local folder=$1
    shift
    local stamp wanted
    stamp="$folder/installed"
    wanted="$* $(cat pyproject.toml constraints.txt | cksum)"
    case "$*" in *-e*) ;; *) wanted="$wanted $(find resift retrieval indexer rerank -type f ! -name '*.pyc' -exec cksum {} + | sort | cksum)" ;; esac
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    local python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "resift needs Python 3.11 or newer; $python is $("$python" --version 2>&1). Set PYTHON to another one." >&2
        exit 1
    }
    "$python" -m venv --clear "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt "$@" 2>"$folder/pip.log" || {
        cat "$folder/pip.log" >&2
        exit 1
    }
    echo "$wanted" >"$stamp"
}
