/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * raw.h - a small server written straight on the ABI, and its misbehaviour
 *
 * It stands for the servers that others wrote to the 2019 interface, so it uses
 * nothing of libzus. With --2019 it answers as those did, in every operation: that is the
 * 32 KiB command buffer and no fs_caps bit of a later ABI (the defaults); a page fault gets
 * one word and its last_pos as it came; names of READDIR count their NUL; a NEW_INODE that
 * fails is -EINVAL; an inode without a name has no link; PRE_READ is -ENOTSUP; what those do not
 * know (IGET ...) is answered 0. Files: file.c (special files), mkfs.c, mounter.c, zt.c (threads
 * and the loop), fs.c, names.c, io.c, xattr.c (a file system in T1), list.c (lists of
 * commands), rule.c (what to do wrong and when), havoc.c (its rougher part), storm.c (single
 * words of a message), record.c (what the kernel sent), ctl.c (remote control).
 *
 * One lock, raw_lock, protects file systems, rules, record and counters. It is
 * not held while a rule hangs or delays, nor in an ioctl.
 */
#ifndef RAW_H
#define RAW_H

#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <linux/stat.h>
#include <zuf/zus_api.h>

#define RAW_MAX_NODES	2048		/* inodes of a file system */
#define RAW_MAX_PAGES	(1u << 20)	/* of a file; it may be sparse */
#define RAW_MAX_FS	8		/* mounted at once */
#define RAW_NAME_SIZE	(ZUFS_NAME_LEN + 1)

struct raw_config {
	const char *root;		/* where the zuf root is mounted */
	const char *socket;		/* of the remote control */
	const char *type[2];		/* with a device table, and without one */
	uint32_t max_command;		/* bytes of a command buffer */
	uint32_t fs_caps;		/* ZUFS_FSC_* of each mount */
	uint32_t nio_write_min;		/* bytes; shorter writes shall come as WRITE */
	uint32_t flags;			/* ZUFS_S_* that its types declare */
	bool of_2019;			/* answers as the servers of 2019 did */
};
extern struct raw_config raw_config;

/* Counters that tests ask for; raw_lock. */
struct raw_stats {
	unsigned long ops;		/* operations served */
	unsigned long races;		/* EVICT_INODE with ZI_LOOKUP_RACE */
	unsigned long bad_cookies;	/* the kernel used one that it does not own */
	unsigned long bad_messages;	/* offset, len, names ... that cannot be */
	long contracts;			/* GET_MULTY without PUT_MULTY */
	unsigned long hangs;		/* messages that hang since the last release */
	unsigned long traps;		/* touches of unmapped memory */
	unsigned long puts;		/* that rode along */
	unsigned long evicts;		/* the same of EVICT_INODE and FREE_INODE */
	unsigned long lists;		/* IOM_DONE */
	unsigned long failed_lists;
	unsigned long storms;		/* that are over */
};
extern struct raw_stats raw_stats;

struct raw_zt;

/* The one lock; a thread that jumps out of a trap gives it up (raw_lock_drop). */
extern pthread_mutex_t raw_mutex;
void raw_lock(void);
void raw_unlock(void);
void raw_lock_drop(void);

/* Run fn(arg); false: it touched memory that is not mapped. */
bool raw_trapped(void (*fn)(void *arg), void *arg);
int raw_trap_init(void);

/* ---- file.c ---- */

int raw_open(void);
int raw_register_types(void);
/* Map all T1 of a mount message's sb_id; 0 or -errno. */
int raw_grab(uint64_t sb_id, int *fd, char **t1, uint64_t *t1_bytes);

/* ---- mkfs.c ---- */

#define RAW_MAGIC	0x46574152u	/* "RAWF" */
int raw_mkfs(char **devices, int nr);

/* ---- list.c: lists of commands; takes raw_lock itself ---- */

/* The words "list", "flood", "fill", "check": false: another word. */
bool raw_list_word(const char *word, char *rest, FILE *out);
int raw_op_iom_done(const struct zufs_ioc_iomap_done *msg);

/* ---- mounter.c ---- */

int raw_mounter_start(void);
void raw_break_all(void);

/* ---- zt.c ---- */

struct raw_zt {
	pthread_t thread;
	unsigned int cpu, channel;
	int fd;
	char *window;
	struct zufs_ioc_hdr *cmd;	/* command buffer, shared with the kernel */
	bool up;			/* waits for operations; raw_lock */
	bool window_gone, cmd_gone;	/* unmapped by a rule */
};
/* Start num_channels threads on every online CPU; 0 or -errno. */
int raw_zt_start_all(unsigned int num_channels);
void raw_zt_stop_all(void);
/* What the idle windows show: text for the remote control. */
void raw_zt_probe(FILE *out);

/* ---- fs.c: nodes and blocks ---- */

struct raw_name {
	struct raw_name *next;
	struct raw_node *node;
	uint64_t pos;
	uint8_t len;
	char name[RAW_NAME_SIZE];	/* NUL-terminated for rules */
};

struct raw_xattr {
	struct raw_xattr *next;
	uint32_t type;
	uint32_t size;
	char name[RAW_NAME_SIZE];
	char value[];
};

struct raw_node {
	struct raw_fs *fs;
	struct zus_inode *zi;		/* in T1 */
	struct zus_inode saved;		/* what it was before a rule spoiled it */
	bool used, spoiled;
	unsigned int refs;		/* cookies that the kernel owns */
	char label[RAW_NAME_SIZE];	/* its first name, for rules */
	struct raw_name *names;		/* of a directory, by rising pos */
	uint64_t next_pos;
	uint64_t *blocks;		/* of a file: T1 block numbers, 0 = hole */
	size_t nr_blocks;
	struct raw_xattr *xattrs;
};

struct raw_fs {
	bool used;
	uint64_t sb_id;
	int pmem_fd;
	char *t1;
	uint64_t t1_bytes;
	uint64_t nr_blocks, free_blocks, next_block;
	uint64_t generation;		/* of the newest inode */
	uint8_t *block_used;
	uint32_t *block_busy;		/* T1_BUSY less T1_IDLE: not free while it is not 0 */
	struct raw_node *nodes;
};

struct raw_fs *raw_fs_create(uint64_t sb_id, int fd, char *t1, uint64_t t1_bytes);
void raw_fs_destroy(struct raw_fs *fs);
struct raw_fs *raw_fs_of(uint64_t cookie);
/* The one that was mounted last, also while it is being mounted or unmounted. */
struct raw_fs *raw_fs_last(void);
/* The node of a cookie that the kernel owns, else NULL and it is counted. */
struct raw_node *raw_node_of(uint64_t cookie);
/* The same without blame: for rules. */
struct raw_node *raw_node_peek(uint64_t cookie);
struct raw_node *raw_node_new(struct raw_fs *fs);
void raw_node_free(struct raw_node *node);
dpp_t raw_node_dpp(const struct raw_node *node);
void raw_node_spoil(struct raw_node *node);
void raw_heal_all(void);
/* Of all file systems: what the kernel holds, what there is. */
struct raw_counts {
	unsigned int refs, nodes;
};

struct raw_counts raw_count(void);
/* Block of a page of the file; 0 = hole (or no room, when it is to be made). */
uint64_t raw_block(struct raw_node *node, uint64_t page, bool make);
/* Room for the numbers of so many pages, and of some more. */
bool raw_block_room(struct raw_node *node, uint64_t pages);
void raw_blocks_cut(struct raw_node *node, uint64_t first, uint64_t end);
uint64_t raw_block_alloc(struct raw_fs *fs);
/* T1_BUSY, T1_IDLE. */
int raw_op_t1_runs(const struct zufs_ioc_t1_runs *msg);
char *raw_block_addr(const struct raw_fs *fs, uint64_t block);

/* ---- operations: 0 or -errno into hdr.err; raw_lock held ---- */

int raw_op(struct raw_zt *zt, struct zufs_ioc_hdr *hdr);
int raw_op_names(struct raw_zt *zt, struct zufs_ioc_hdr *hdr);
int raw_op_rename(struct zufs_ioc_hdr *hdr);
int raw_op_readdir(struct raw_zt *zt, struct zufs_ioc_hdr *hdr);
int raw_op_io(struct raw_zt *zt, struct zufs_ioc_hdr *hdr);
int raw_op_xattr(struct raw_zt *zt, struct zufs_ioc_hdr *hdr);
/* @value NULL: there shall be none. */
int raw_xattr_set(struct raw_node *node, uint32_t type, const char *name, const char *value,
		  uint32_t size);
/* The application's data of a message, or NULL when it lies outside the window. */
char *raw_app_data(const struct raw_zt *zt, const struct zufs_ioc_hdr *hdr);
/* The node that a message is about (for rules), or NULL; its name. */
struct raw_node *raw_msg_node(const struct zufs_ioc_hdr *hdr);
void raw_msg_label(const struct zufs_ioc_hdr *hdr, char *label);

/* ---- rule.c ---- */

/* Rules count mount messages as operations above these. */
#define RAW_OP_MOUNT_BASE	128
#define RAW_OP_RIDER		127	/* what came along behind another message */
const char *raw_op_name(unsigned int op);

int raw_rule_add(char *text, FILE *out);
/* The same, after all others are cleared and what they did to inodes is undone. */
void raw_rule_only(char *text, FILE *out);
void raw_rules_clear(void);
void raw_release(void);
/* Whether a rule of this message's wants the operation not to be executed. */
struct raw_rule;
struct raw_rule *raw_rule_match(unsigned int op, const struct zufs_ioc_hdr *hdr);
bool raw_rule_replaces(const struct raw_rule *rule);
/* True if the kernel has run the list of a "retry" and calls again: forgets the list. */
bool raw_rule_restarted(struct zufs_ioc_hdr *hdr);
/* Do what the rule says to an answer. zt: NULL for mount messages. */
void raw_rule_apply(struct raw_rule *rule, unsigned int op, struct raw_zt *zt,
		    struct zufs_ioc_hdr *hdr);

/* ---- record.c ---- */

void raw_record(unsigned int op, const struct raw_zt *zt, const struct zufs_ioc_hdr *hdr);
void raw_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void raw_record_print(FILE *out);
void raw_record_clear(void);

/* ---- ctl.c ---- */

int raw_ctl_serve(void);
int raw_ctl_call(const char *socket, int argc, char **argv);

#endif
