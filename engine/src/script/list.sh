for p do
	item
	[ -d "$p" ] && ! [ -L "$p" ] || continue
	whose "$p/."
	as find "${p%/}/" -mindepth 1 -maxdepth 1 -print0 && printf = || printf 'it cannot be listed!'
done
