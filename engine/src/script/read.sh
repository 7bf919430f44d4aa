for p do
	item
	if [ -L "$p" ] || ! [ -f "$p" ]; then
		printf 'it is not a regular file!'
		continue
	fi
	whose "$p"
	if [ -z "$W" ] || as test -r "$p"; then
		brief head -c 1048577 -- "$p"
	else
		(held "$p" head -c 1048577)
	fi && printf = || printf 'it cannot be read!'
done
