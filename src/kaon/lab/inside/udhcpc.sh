#!/bin/sh
# What a VM does with a lease: udhcpc calls this with the event in $1 and the options in the environment. It runs in the VM's own
# namespaces and writes only below the VM's own /run; each event is one line of /run/dhcp.events: event, uptime in seconds, address,
# prefix length, router, lease time in seconds, server.
case "$1" in
deconfig)
    ip -4 addr flush dev "$interface"
    ip link set "$interface" up
    ;;
bound | renew)
    if ! ip -4 -o addr show dev "$interface" | grep -qF " $ip/$mask "; then
        ip -4 addr flush dev "$interface"
        ip addr add "$ip/$mask" dev "$interface"
    fi
    [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
    routes=${staticroutes:-${router:+0.0.0.0/0 ${router%% *}}} # with option 121 the router option is not looked at (RFC 3442)
    # shellcheck disable=SC2086 # a list of words: destination, next hop, ...
    set -- "$1" $routes
    event=$1
    shift
    while [ $# -ge 2 ]; do
        if [ "$2" = 0.0.0.0 ]; then
            ip route replace "$1" dev "$interface"
        else
            ip route replace "$1" via "$2" dev "$interface"
        fi
        shift 2
    done
    set -- "$event"
    : >/run/resolv.conf
    [ -n "$domain" ] && echo "search $domain" >>/run/resolv.conf
    for server in $dns; do echo "nameserver $server" >>/run/resolv.conf; done
    ;;
esac
read -r uptime _ </proc/uptime
echo "$1 $uptime ${ip:--} ${mask:--} ${router:--} ${lease:--} ${serverid:--}" >>/run/dhcp.events
