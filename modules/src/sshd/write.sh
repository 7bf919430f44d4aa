# Standard input becomes the drop-in, if sshd takes the whole configuration with it.
path=/etc/ssh/sshd_config.d/00-comply.conf
[ -d "${path%/*}" ] || die "the directory ${path%/*} does not exist; declare it under directories"
folder=$(mktemp -d) || exit
trap 'rm -rf -- "$folder"' EXIT
mkdir "$folder/sshd_config.d" || exit
for file in /etc/ssh/sshd_config.d/*; do
	[ ! -f "$file" ] || cp -- "$file" "$folder/sshd_config.d/" || exit
done
cat >"$folder/sshd_config.d/${path##*/}" || exit
# The same configuration, with this directory in place of the real one.
sed "/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee]/{
s#/etc/ssh/sshd_config\.d/#sshd_config.d/#g
s#sshd_config\.d/#$folder/sshd_config.d/#g
}" /etc/ssh/sshd_config >"$folder/sshd_config" || exit
said=$(sshd -t -f "$folder/sshd_config" 2>&1) || {
	said=$(printf '%s\n' "$said" | tr -d '\r' | sed "s#$folder/#/etc/ssh/#g" | sed ':all; N; $!b all; s/\n/; /g')
	die "sshd -t refuses the configuration with this in it, so nothing was changed: $said"
}
whose "$path"
save "$path"
reach "$path" root root
replace "$path" 0644 root root '' <"$folder/sshd_config.d/${path##*/}"
