# Shows Compose the files of standard input in their place, in mounts that nobody else sees: a line with size and name,
# the content, the next line.
[ "$private" = yes ] || {
	echo 'the kernel gives no mounts of our own' >&2
	exit 1
}
case $directory in /mnt | /mnt/*) at=/media ;; *) at=/mnt ;; esac
mount -t tmpfs -o mode=0700 comply "$at" && mkdir "$at/new" || exit
base64 -d | while IFS= read -r line; do
	name=$at/new/${line#* }
	mkdir -p -- "${name%/*}" && head -c "${line%% *}" >"$name" || exit
done || exit
if [ -d "$directory" ]; then
	mount -t overlay -o "lowerdir=$at/new:$directory" comply "$directory" || exit
else
	above=${directory%/*}
	while [ ! -d "${above:-/}" ]; do above=${above%/*}; done
	[ -n "$above" ] && mount -t tmpfs -o mode=0700 comply "$above" && mkdir -p -- "$directory" &&
		mount --bind "$at/new" "$directory" || exit
fi
