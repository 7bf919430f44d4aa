# Makes every file system that keeps anything read-only in these mounts, which nobody else sees. Those of other machines are left
# alone, since a dead server would hold us up; those of containers are nobody's here.
seal() {
	while IFS=' ' read -r _ _ _ _ at rest; do
		case ${rest#* - } in ext[234]' '* | xfs' '* | btrfs' '* | zfs' '* | f2fs' '* | tmpfs' '* | overlay' '* | vfat' '*) ;; *) continue ;; esac
		case $at in /dev | /dev/* | /proc/* | /sys/* | /var/lib/docker/* | /var/lib/containers/* | /run/user/* | *\\*) continue ;; esac
		mount -c -o remount,bind,ro "$at" || mount -o remount,bind,ro "$at"
	done </proc/self/mountinfo
}
[ -z "$private" ] || seal 2>/dev/null
