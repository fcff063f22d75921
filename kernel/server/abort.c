// SPDX-License-Identifier: GPL-2.0-only
/*
 * abort.c - end a server that does not end by itself
 *
 * Writing "abort" to the root's `control` takes the root away from a server that hangs: for its
 * applications the server has died. Nothing that the process may still use is freed: command
 * buffers, copy pages and T1 are mapped as long as its files are open, or until the unmount. Its
 * threads find their channels dead when they come back.
 */
#include <linux/pid.h>

#include "abort.h"
#include "chan.h"
#include "root.h"
#include "stats.h"

int zuf_root_abort(struct zuf_root *root)
{
	struct zuf_peer *peer = &root->peer;
	struct pid *server;
	u32 gen;

	mutex_lock(&peer->lock);
	server = peer->server;
	gen = peer->live_gen;
	if (!server || !gen) {
		mutex_unlock(&peer->lock);
		return -ESRCH;
	}
	pr_warn("server %d is aborted\n", pid_nr(server));
	zuf_stats_event(peer->stats, ZUF_EV_ABORT, 1);
	put_pid(peer->ousted);
	peer->ousted = server;
	/* from here on it can take no role; the roles that it has keep other servers away */
	zuf_peer_down(peer);
	peer->server = NULL;
	if (zuf_mounter_stop(&peer->mounter, NULL))
		zuf_peer_role_put(peer);
	mutex_unlock(&peer->lock);

	zuf_chan_for_each(peer, gen, zuf_chan_die);
	/* a mounter thread that is still here would be in the way of the next server's */
	return zuf_mounter_wait_left(&peer->mounter);
}
