# $1 project, $2 directory, $3 options for profiles, $4… the files of Compose.
command -v docker >/dev/null || {
	echo 'sh: docker: not found' >&2
	exit 127
}
# To ask a daemon that does not run would start it, and its containers with it.
if [ -d /run/systemd/system ]; then
	state=$(systemctl show -p ActiveState --value docker.service)
	[ "$state" = active ] || {
		echo "docker.service is ${state:-not there}" >&2
		exit 69
	}
fi
# Compose puts variables into what it reads: those of whoever asks must not matter.
clean() { env -i PATH="$PATH" HOME=/root LC_ALL=C PYTHONDONTWRITEBYTECODE=1 "$@"; }
compose= version=
# The first that `docker compose` would start; on its own it needs half the time.
for at in /root/.docker /usr/local/lib/docker /usr/local/libexec/docker /usr/lib/docker /usr/libexec/docker; do
	[ -z "$compose" ] && [ -x "$at/cli-plugins/docker-compose" ] && compose=$at/cli-plugins/docker-compose
done
if [ -z "$compose" ]; then
	compose=$(command -v docker-compose) || {
		echo 'sh: docker compose: not found' >&2
		exit 127
	}
	# Version 1 is a script in Python, which takes its time to say so.
	case $(head -c 2 "$compose") in '#!') version=1 ;; esac
fi
[ -n "$version" ] || version=$(clean $compose version --short) || exit
project=$1 directory=$2 profiles=$3
shift 3
count=$#
while [ "$count" -gt 0 ]; do
	set -- "$@" -f "$1"
	shift
	count=$((count - 1))
done
compose() { clean $compose -p "$project" --project-directory "$directory" $profiles "$@"; }
