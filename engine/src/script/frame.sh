# Marks, on both outputs: where a program's output begins, where it ends and with which status, where all ends.
begin() {
	printf '%s' "$nonce<$1;"
	printf '%s' "$nonce<$1;" >&2
}
end() {
	status=$?
	printf '%s' "$nonce>$status;"
	printf '%s' "$nonce>$status;" >&2
	return "$status"
}
finish() { printf '%s' "$nonce.;"; }
