# Marks: where a program's output begins, where it ends and with which status, where all ends. Every write is a packet on
# its way, so they are few: the end of one program and the beginning of the next are one, and standard error has
# beginnings only.
begin() {
	printf '%s' "$nonce<$1;" >&2
	printf '%s' "$nonce<$1;"
}
end() {
	status=$?
	settle
	printf '%s' "$nonce>$status;"
	return "$status"
}
next() {
	status=$?
	settle
	printf '%s' "$nonce<$1;" >&2
	printf '%s' "$nonce>$status;$nonce<$1;"
}
finish() { printf '%s' "$nonce.;"; }
