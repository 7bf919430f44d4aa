for p do
	item
	[ -d "$p" ] && ! [ -L "$p" ] || continue
	whose "$p/."
	if [ -z "$W" ] || as test -r "$p/"; then
		as find "${p%/}/" -mindepth 1 -maxdepth 1 -print0
	else
		(
			hold "$p/." 2>/dev/null || exit
			for name in ./* ./.[!.]* ./..?*; do
				[ ! -e "$name" ] && [ ! -L "$name" ] || printf '%s\0' "${p%/}/${name#./}"
			done
		)
	fi && printf = || printf 'it cannot be listed!'
done
