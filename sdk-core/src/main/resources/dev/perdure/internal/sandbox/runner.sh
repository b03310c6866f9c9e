# Runs one command, at most once, and records how it went. Needs no JVM while it runs.
#   sh runner FENCE HOST NONCE     in the folder of the execution
# Read by Java: started (pid, birth, host of this shell), out, err, end (how, exit code).
ulimit -c 0
fence=$1 host=$2 nonce=$3
. ./settings

# When process $1 began: with the pid, the identity of a process.
born() {
  if [ -r "/proc/$1/stat" ]; then
    read -r stat <"/proc/$1/stat" || return 1
    set -- ${stat##*) }
    shift 19
    echo "$1"
  else
    ps -o lstart= -p "$1" | tr -s ' ' '_'
  fi
}

read -r seen <../../fence || exit 3
[ "$seen" -le "$fence" ] || exit 77

# Before anybody can know of this shell and signal it.
why= again= cmd=
# First the leader: if it has not made its own group yet it dies before it starts anything; if it has, the group is complete.
stop() {
  why=${why:-$1} again=1
  [ -n "$cmd" ] || return 0
  kill -KILL "$cmd" 2>/dev/null
  kill -KILL "-$cmd" 2>/dev/null
  sh ./sweep "$cookie" 2>/dev/null
}
trap 'stop KILLED' TERM
trap 'stop TIMED_OUT' ALRM

# The step that decides. A hard link appears whole or not at all, and for one runner only: whoever sees "started" knows who
# runs the command, and a runner that dies before this line has run nothing.
birth=$(born $$)
echo "$$ $birth $host" >"claim.$nonce" || exit 3
ln "claim.$nonce" started 2>/dev/null || exit 0

# Keeps the first blocks and swallows the rest, so that endless output neither fills the disk nor stops the command.
capture() {
  trap - TERM ALRM
  {
    (ulimit -f "$blocks" && exec cat >"$1")
    exec cat >/dev/null
  } <"$1.pipe" 2>/dev/null
}
mkfifo out.pipe err.pipe || exit 4
capture out &
capture err &
# Opening waits for the other side, and a signal breaks it off: a plain exec would then end this shell.
until command exec 3>out.pipe; do [ -p out.pipe ] || exit 4; done 2>/dev/null
until command exec 4>err.pipe; do [ -p err.pipe ] || exit 4; done 2>/dev/null

launch <input >&3 2>&4 3>&- 4>&- &
cmd=$!
# A stop that came before the pid was known.
[ -z "$why" ] || stop "$why"

# Signals only the shell that it was started by: that pid may belong to somebody else when the time is up.
watch() {
  over= nap=
  trap 'over=1; [ -z "$nap" ] || kill "$nap"' TERM
  trap - ALRM
  sleep "$timeout" &
  nap=$!
  [ -z "$over" ] || kill "$nap"
  wait "$nap" && [ "$(born $$)" = "$birth" ] && kill -ALRM $$
}
watch </dev/null >/dev/null 2>&1 3>&- 4>&- &
watcher=$!

wait "$cmd"
code=$?
while [ -n "$again" ]; do
  again=
  wait "$cmd" 2>/dev/null
  next=$?
  [ "$next" -eq 127 ] || code=$next
done
trap '' TERM ALRM
kill "$watcher" 2>/dev/null

# Under bubblewrap: its processes die with the outer one, but a moment later. And without an exit code the command was not
# started, or its end is not known.
if [ -f status ]; then
  init= exited=
  while read -r brace key value rest; do
    case "$brace$key" in
      *'"child-pid":') init=${value%,} ;;
      *'"exit-code":') exited=1 ;;
    esac
  done <status
  rounds=0
  while [ -n "$init" ] && [ "$rounds" -lt 200 ] && read -r stat 2>/dev/null <"/proc/$init/stat"; do
    case ${stat##*) } in Z* | X*) break ;; esac
    rounds=$((rounds + 1))
    sleep 0.005
  done
  [ -n "$exited$why" ] || why=LOST
fi

# Behind this mark is what children wrote that outlived the command; before it, all that the command wrote.
printf %s "$mark" >&3
printf %s "$mark" >&4
exec 3>&- 4>&-
echo "${why:-EXITED} $code." >end
