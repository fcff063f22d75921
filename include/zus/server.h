/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The feeder's side of libzus: plugin types, dispatch of messages, the devices of a mount.
 *
 * A feeder (the daemon, the in-process fake, a FUSE front end) owns the transport. It hands
 * a message to zus_dispatch or zus_dispatch_mount, which call the plugin and leave the
 * answer in the same buffer. Both may be called from any number of threads at once, each
 * with a buffer of its own. Types and devices are freed by who made them, after the last
 * mount of theirs is gone. A server that must end before it calls zus_type_stop, and then
 * leaves the process with types, devices and plugins as they are.
 */
#ifndef ZUS_SERVER_H
#define ZUS_SERVER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zuf/zus_api.h>
#include <zus/env.h>
#include <zus/md.h>

#ifdef __cplusplus
extern "C" {
#endif

struct zus_plugin;
struct zus_sb;
struct zus_type;

/* ---- plugins and types ---- */

/*
 * Loads dir/lib<name>.so; a name with a slash is a path. 0 and the plugin's table, or
 * -errno and the reason in why. *handle is for zus_plugin_unload.
 */
int zus_plugin_load(const char *dir, const char *name, const struct zus_plugin **plugin,
		    void **handle, char *why, size_t why_size);
void zus_plugin_unload(void *handle);
/*
 * Checks a plugin's table. 0, -EPROTO (version, sizes) or -EINVAL (something is missing), and then
 * the reason in why, cut to why_size bytes.
 */
int zus_plugin_check(const struct zus_plugin *plugin, char *why, size_t why_size);

/*
 * Checks a plugin's table and makes the type of which the kernel holds the cookie. The
 * environment is what its super-blocks get. 0, what zus_plugin_check says (with a message) or
 * -ENOMEM.
 */
int zus_type_create(const struct zus_plugin *plugin, const struct zus_env *env,
		    struct zus_type **type);
/**
 * zus_type_stop() - the server ends, whatever is mounted
 * Calls server_stop of every mounted file system of the type. Returns how many there are: with
 * one the type stays, and so must its plugin. Once per type, by a thread that serves no
 * channel; mount messages must have ended, those of channels should go on (a plugin may
 * wait for the end of its lists).
 */
unsigned int zus_type_stop(struct zus_type *type);
/*
 * For a feeder that plays a server's death: the type has no mounts any more, and nobody is told.
 * Whatever they had is the feeder's: devices, and all memory that the type's environment gave. No
 * message is under way, none for these mounts comes later, and no thread of theirs is left.
 */
void zus_type_forget(struct zus_type *type);
/* 0 (also for NULL), or -EBUSY: it has mounts, nothing was done and its plugin must stay loaded. */
int zus_type_destroy(struct zus_type *type);
/* The table that it was made of, which may be an older, shorter one. */
const struct zus_plugin *zus_type_plugin(const struct zus_type *type);
/*
 * What the kernel, or whoever stands for it, is told of the type: the plugin's info, and in its
 * field notused what the plugin says in flags and inode_flags (ZUFS_REG_*, ZUFS_S_*).
 */
void zus_type_info(const struct zus_type *type, struct register_fs_info *info);

/* ---- messages of a channel ---- */

struct zus_cmd {
	void *buf;			/* command buffer with the message, 8-byte aligned */
	size_t size;			/* of the buffer */
	void *window;			/* app window */
	size_t window_size;
	int cpu;			/* whose channel it is */
};

/*
 * Executes the puts that ride along, then the message; writes hdr.err and the outputs.
 * Returns the operation: ZUFS_OP_BREAK is the caller's own business.
 */
unsigned int zus_dispatch(struct zus_cmd *cmd);

/* ---- messages of the mount thread ---- */

struct zus_host {
	void *ctx;
	/* Maps the devices of a super-block that is being mounted; 0 or -errno. */
	int (*grab)(void *ctx, uint64_t sb_id, struct zus_md **md);
	void (*release)(void *ctx, struct zus_md *md);
};

/* Executes a ZUFS_M_* message of `size` bytes of buffer; writes hdr.err and the outputs. */
void zus_dispatch_mount(const struct zus_host *host, struct zufs_ioc_mount *msg,
			size_t size);

/*
 * For a feeder without a thread for each channel, as the in-process fake. Takes a number for one of
 * them, which no thread gets until it is given back; -EAGAIN: there are too many.
 */
int zus_thread_number_take(void);
void zus_thread_number_give(unsigned int number);
/*
 * What the calling thread dispatches from now on it does for the owner of this number: that is
 * what zus_thread_number says. Returns the number that it had before, for its way back; -1 stands
 * for the thread's own one.
 */
int zus_thread_act_as(int number);

/*
 * What the calling thread is at work for, in at most size (> 0) bytes with the NUL, like
 * "operation WRITE, plugin memofs, mount 3, inode 17"; false and "": for nobody. Takes no locks
 * and survives wrong pointers: for handlers of crashes.
 */
bool zus_current_op(char *text, size_t size);

/*
 * For the handler of SIGBUS (SA_SIGINFO) of whoever serves plugins: true, it was a load of
 * zus_t1_load, and the handler returns; the load is -EIO then. False: anything else.
 */
bool zus_t1_load_failed(const siginfo_t *info, void *context);

/* ---- dynamic debug ---- */

struct zus_ddbg_site;

/* Makes the records of a module visible to DDBG_RD and DDBG_WR; 0 or -errno. */
int zus_ddbg_register(const char *module, struct zus_ddbg_site *start,
		      struct zus_ddbg_site *stop);
void zus_ddbg_unregister(struct zus_ddbg_site *start);
/* Those of the library itself. */
int zus_ddbg_register_libzus(void);
/*
 * Lines of the sites after id; whole lines only. Returns the bytes in buf (no NUL), *id =
 * the last site delivered.
 */
size_t zus_ddbg_read(uint64_t *id, char *buf, size_t size);
/* Executes a command; the number of sites that it matched or -EINVAL. */
int zus_ddbg_write(const char *command);

#ifdef __cplusplus
}
#endif
#endif /* ZUS_SERVER_H */
