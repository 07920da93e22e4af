# Set-up steps with a line and a time each: source this file, then call `step TITLE COMMAND...`.
# A step's output goes to build/logs/<title>.log and is shown only where the step fails.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

step() {
  local title=$1
  shift
  local log started
  log=$root/build/logs/$(tr -c 'a-zA-Z0-9\n' '-' <<<"$title").log
  mkdir -p "$(dirname "$log")"
  started=$(date +%s.%N)
  if ! "$@" >"$log" 2>&1; then
    step_line "$title" "failed" "$started"
    tail -n 40 "$log" >&2
    echo "step '$title' failed; its whole output is in $log" >&2
    return 1
  fi
  step_line "$title" "done" "$started"
}

# A step that is skipped while the hash of its inputs equals the one that its last success left in STAMP.
# usage: step_unless_same TITLE STAMP INPUT_FILES... -- COMMAND...
step_unless_same() {
  local title=$1 stamp=$2 started
  shift 2
  started=$(date +%s.%N)
  local inputs=()
  while [[ $1 != -- ]]; do
    inputs+=("$1")
    shift
  done
  shift
  local sum
  sum=$(cat "${inputs[@]}" | sha256sum | cut -d' ' -f1)
  if [[ -f $stamp && $(<"$stamp") == "$sum" ]]; then
    step_line "$title" "up to date" "$started"
    return
  fi
  step "$title" "$@" || return 1
  mkdir -p "$(dirname "$stamp")"
  echo "$sum" >"$stamp"
}

step_line() {
  printf '%-44s %-10s %7.1f s\n' "$1" "$2" "$(awk -v a="$3" -v b="$(date +%s.%N)" 'BEGIN { print b - a }')"
}
