# apart PROGRAM ARG…: runs what may hang, or has a mind of its own, in a shell of its own and for 30 seconds at most. Where root and the
# kernel allow it, that shell has mounts of its own, which nobody else sees, and makes every file system in them read-only that
# keeps anything: then the kernel itself refuses a write. Those of other machines are left alone, since a dead server would hold
# us up; those of containers are nobody's here. What needs a file for a moment (apt, of a signed list) gets memory of its own.
# The program finds in $private whether its mounts are its own.
seal='while IFS=" " read -r _ _ _ _ at rest; do
	case ${rest#* - } in ext[234]" "* | xfs" "* | btrfs" "* | zfs" "* | f2fs" "* | tmpfs" "* | overlay" "* | vfat" "*) ;; *) continue ;; esac
	case $at in /dev | /dev/* | /proc/* | /sys/* | /var/lib/docker/* | /var/lib/containers/* | /run/user/* | *\\*) continue ;; esac
	mount -c -o remount,bind,ro "$at" || mount -o remount,bind,ro "$at"
done </proc/self/mountinfo 2>/dev/null
if [ -d /dev/shm ] && mount -t tmpfs -o size=64m tmpfs /dev/shm 2>/dev/null; then export TMPDIR=/dev/shm; fi
'
private=
apart() {
	program=$1
	shift
	if [ -z "$private" ]; then
		private=no
		if [ -O / ] && unshare -m --propagation private true 2>/dev/null; then private=yes; fi
	fi
	if [ "$private" = yes ]; then
		private=$private timeout 30 unshare -m --propagation private sh -c "$seal$program" sh "$@"
	else
		private=$private timeout 30 sh -c "$program" sh "$@"
	fi
}
