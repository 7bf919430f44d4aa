# What both tools find: things that must go, or be otherwise.
useradd -m antoine
groupadd former
echo old >/etc/former.conf
echo 'former ALL=(ALL) ALL' >/etc/sudoers.d/former
echo '@daily root false' >/etc/cron.d/former
mkdir -m 777 /srv/open
mkdir /srv/former
ln -s /nowhere /srv/current
ln -s /srv/site /srv/former-link
echo stale >/etc/motd
echo 'kept as it is' >/etc/seeded.conf
