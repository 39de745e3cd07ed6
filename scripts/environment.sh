# Sourced by scripts/demo and scripts/test.
#
# require_links                              makes the links of resift/ that are missing, as in an unpacked source
#                                            distribution; stops where git wrote them as text files (Windows)
# ensure_environment FOLDER REQUIREMENT...   makes a virtual environment, once for each state of the requirements,
#                                            for example: ensure_environment .venv -e '.[dev]'

require_links() {
    local room
    for room in retrieval indexer rerank; do
        [ -e "resift/$room" ] || ln -s "../$room" "resift/$room"
    done
    [ -d resift/retrieval/ ] || {
        echo "resift/retrieval is not a link to the folder retrieval, which a checkout needs. Clone again with links:" >&2
        echo "git clone -c core.symlinks=true (on Windows, switch on the developer mode first)." >&2
        exit 1
    }
}

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
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt "$@" 2>"$folder/pip.log" || {
        cat "$folder/pip.log" >&2
        exit 1
    }
    echo "$wanted" >"$stamp"
}
