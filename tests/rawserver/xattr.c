// SPDX-License-Identifier: BSD-2-Clause
/*
 * xattr.c - extended attributes and ioctls; the table of operations
 *
 * Called by ZTs with raw_lock held. A server that was started without ZUFS_FSC_XATTR_WINDOW
 * does not look for that flag in messages, whatever a rule tells the kernel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include "raw.h"

static struct raw_xattr **find(struct raw_node *node, uint32_t type, const char *name)
{
	struct raw_xattr **at;

	for (at = &node->xattrs; *at; at = &(*at)->next)
		if ((*at)->type == type && !strcmp((*at)->name, name))
			break;
	return at;
}

static bool in_window(const struct zufs_ioc_xattr *msg)
{
	return (raw_config.fs_caps & ZUFS_FSC_XATTR_WINDOW) &&
	       (msg->ioc_flags & ZUFS_XATTR_WINDOW);
}

/* Where the value is or goes, else at @buf of the message; NULL: not in the window. */
static char *value_at(const struct raw_zt *zt, const struct zufs_ioc_xattr *msg, char *buf)
{
	char *data = buf;

	if (in_window(msg)) {
		data = raw_app_data(zt, &msg->hdr);
		if (!data || msg->hdr.len < msg->user_buf_size) {
			raw_stats.bad_messages++;
			data = NULL;
		}
	}
	return data;
}

/* May @size bytes be answered, where there is @room of the caller's? */
static int check_room(const struct zufs_ioc_xattr *msg, uint32_t room, size_t size)
{
	if (room && room < size)
		return -ERANGE;
	if (room && !in_window(msg) && sizeof(*msg) + size > raw_config.max_command)
		return -E2BIG;
	return 0;
}

static void answer(struct zufs_ioc_xattr *msg, uint32_t room, uint32_t size)
{
	msg->user_buf_size = size;
	if (room && !in_window(msg))
		msg->hdr.out_len = (uint16_t)(msg->hdr.out_len + size);
}

static int get(struct raw_node *node, struct zufs_ioc_xattr *msg, const char *name, char *out)
{
	struct raw_xattr *xattr = *find(node, msg->type, name);
	uint32_t room = msg->user_buf_size;
	int err;

	if (!xattr)
		return -ENODATA;
	err = check_room(msg, room, xattr->size);
	if (err)
		return err;
	if (room)
		memcpy(out, xattr->value, xattr->size);
	answer(msg, room, xattr->size);
	return 0;
}

int raw_xattr_set(struct raw_node *node, uint32_t type, const char *name, const char *value,
		  uint32_t size)
{
	struct raw_xattr **at = find(node, type, name), *xattr = NULL;

	if (value) {
		xattr = calloc(1, sizeof(*xattr) + size);
		if (!xattr)
			return -ENOMEM;
		xattr->type = type;
		xattr->size = size;
		snprintf(xattr->name, sizeof(xattr->name), "%s", name);
		memcpy(xattr->value, value, size);
	}
	if (*at) {
		struct raw_xattr *old = *at;

		*at = old->next;
		free(old);
	}
	if (xattr) {
		xattr->next = node->xattrs;
		node->xattrs = xattr;
	}
	node->zi->i_xattr = node->xattrs ? 1 : 0;
	return 0;
}

static int set(struct raw_node *node, struct zufs_ioc_xattr *msg, const char *name,
	       const char *value)
{
	struct raw_xattr *old = *find(node, msg->type, name);
	uint32_t size = msg->user_buf_size;

	if (old && (msg->flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (msg->flags & XATTR_REPLACE))
		return -ENODATA;
	if (!in_window(msg) && sizeof(*msg) + msg->name_len + size > raw_config.max_command)
		return -EINVAL;
	if (!size && !(msg->ioc_flags & ZUFS_XATTR_SET_EMPTY)) {
		if (!old)
			return -ENODATA;
		value = NULL;
	}
	return raw_xattr_set(node, msg->type, name, value, size);
}

static int list(struct raw_node *node, struct zufs_ioc_xattr *msg, char *out)
{
	static const char * const prefixes[] = { "", "security.", "", "trusted.", "user." };
	uint32_t room = msg->user_buf_size, size = 0, len;
	const struct raw_xattr *xattr;
	char full[RAW_NAME_SIZE + 16];
	int err;

	for (xattr = node->xattrs; xattr; xattr = xattr->next) {
		if (xattr->type == ZUFS_XATTR_TRUSTED_NS &&
		    !(msg->ioc_flags & ZUFS_XATTR_TRUSTED))
			continue;
		len = (uint32_t)snprintf(full, sizeof(full), "%s%s", prefixes[xattr->type],
					 xattr->name) + 1;
		err = check_room(msg, room, size + len);
		if (err)
			return err;
		if (room)
			memcpy(out + size, full, len);
		size += len;
	}
	answer(msg, room, size);
	return 0;
}

int raw_op_xattr(struct raw_zt *zt, struct zufs_ioc_hdr *hdr)
{
	struct zufs_ioc_xattr *msg = (struct zufs_ioc_xattr *)hdr;
	struct raw_node *node = raw_node_of(msg->zus_ii);
	char *buf = ZUFS_TAIL(msg, buf), name[RAW_NAME_SIZE] = "", *value;

	if (!node || msg->type > ZUFS_XATTR_USER)
		return -EINVAL;
	if (hdr->operation == ZUFS_OP_XATTR_LIST) {
		value = value_at(zt, msg, buf);
		return value ? list(node, msg, value) : -EINVAL;
	}
	if (!msg->name_len || msg->name_len > sizeof(name) || buf[msg->name_len - 1]) {
		raw_stats.bad_messages++;
		return -EINVAL;
	}
	memcpy(name, buf, msg->name_len);
	if (hdr->operation == ZUFS_OP_XATTR_SET)
		buf += msg->name_len;
	value = value_at(zt, msg, buf);
	if (!value)
		return -EINVAL;
	if (hdr->operation == ZUFS_OP_XATTR_GET)
		return get(node, msg, name, value);
	return set(node, msg, name, value);
}

/* ---- ioctl: 'r' 1 inverts its argument, 'r' 2 wants 100 bytes more of it first ---- */

static int pass_ioctl(struct zufs_ioc_ioctl *msg)
{
	uint32_t size = _IOC_SIZE(msg->cmd), want = (uint32_t)sizeof(*msg) + size + 100, i;
	char *arg = ZUFS_TAIL(msg, arg);

	if (!raw_node_of(msg->zus_ii))
		return -EINVAL;
	if (_IOC_TYPE(msg->cmd) != 'r' || _IOC_NR(msg->cmd) < 1 || _IOC_NR(msg->cmd) > 2)
		return -ENOTTY;
	if (_IOC_NR(msg->cmd) == 2 && msg->hdr.in_len < want) {
		msg->uflags = ZUFS_IOC_REALLOC;
		msg->new_size = want;
		msg->hdr.out_len = 8;
		return -EZUFS_RETRY;
	}
	for (i = 0; i < size && i + sizeof(*msg) < raw_config.max_command; i++)
		arg[i] = (char)~arg[i];
	msg->hdr.out_len = (uint16_t)size;
	return 0;
}

/* ---- the rest, and the table ---- */

static int statfs_op(struct zufs_ioc_statfs *msg)
{
	struct raw_fs *fs = raw_fs_of(msg->zus_sbi);

	if (!fs)
		return -EINVAL;
	memset(&msg->statfs_out, 0, sizeof(msg->statfs_out));
	msg->statfs_out.f_bsize = ZUFS_PAGE_SIZE;
	msg->statfs_out.f_blocks = (__typeof__(msg->statfs_out.f_blocks))fs->nr_blocks;
	msg->statfs_out.f_bfree = (__typeof__(msg->statfs_out.f_bfree))fs->free_blocks;
	msg->statfs_out.f_bavail = msg->statfs_out.f_bfree;
	msg->statfs_out.f_files = RAW_MAX_NODES;
	msg->statfs_out.f_namelen = ZUFS_NAME_LEN;
	return 0;
}

static int show_options(struct zufs_ioc_mount_options *msg)
{
	static const char text[] = ",rawtext";

	if (!raw_fs_of(msg->zus_sbi))
		return -EINVAL;
	memcpy(ZUFS_TAIL(msg, buf), text, sizeof(text) - 1);
	msg->hdr.out_len = sizeof(text) - 1;
	return 0;
}

int raw_op(struct raw_zt *zt, struct zufs_ioc_hdr *hdr)
{
	switch (hdr->operation) {
	case ZUFS_OP_STATFS:
		return statfs_op((struct zufs_ioc_statfs *)hdr);
	case ZUFS_OP_SHOW_OPTIONS:
		return show_options((struct zufs_ioc_mount_options *)hdr);
	case ZUFS_OP_NEW_INODE:
	case ZUFS_OP_FREE_INODE:
	case ZUFS_OP_EVICT_INODE:
	case ZUFS_OP_LOOKUP:
	case ZUFS_OP_ADD_DENTRY:
	case ZUFS_OP_REMOVE_DENTRY:
		return raw_op_names(zt, hdr);
	case ZUFS_OP_RENAME:
		return raw_op_rename(hdr);
	case ZUFS_OP_READDIR:
		return raw_op_readdir(zt, hdr);
	case ZUFS_OP_READ:
	case ZUFS_OP_WRITE:
	case ZUFS_OP_PRE_READ:
	case ZUFS_OP_FALLOCATE:
	case ZUFS_OP_GET_MULTY:
	case ZUFS_OP_PUT_MULTY:
	case ZUFS_OP_LLSEEK:
	case ZUFS_OP_FIEMAP:
	case ZUFS_OP_CLONE:
		return raw_op_io(zt, hdr);
	case ZUFS_OP_XATTR_GET:
	case ZUFS_OP_XATTR_SET:
	case ZUFS_OP_XATTR_LIST:
		return raw_op_xattr(zt, hdr);
	case ZUFS_OP_IOCTL:
		return pass_ioctl((struct zufs_ioc_ioctl *)hdr);
	case ZUFS_OP_IGET:
		return raw_config.of_2019 ? 0 : raw_op_names(zt, hdr);
	case ZUFS_OP_T1_BUSY:
	case ZUFS_OP_T1_IDLE:
		return raw_op_t1_runs((struct zufs_ioc_t1_runs *)hdr);
	case ZUFS_OP_IOM_DONE:
		return raw_op_iom_done((struct zufs_ioc_iomap_done *)hdr);
	default:
		/* SETATTR, SYNC, MMAP_CLOSE, NOOP, and as old servers do: unknown ones */
		return 0;
	}
}

/* ---- for rules: what is a message about? ---- */

struct raw_node *raw_msg_node(const struct zufs_ioc_hdr *hdr)
{
	uint64_t cookie;

	switch (hdr->operation) {
	case ZUFS_OP_STATFS:
	case ZUFS_OP_SHOW_OPTIONS:
	case ZUFS_OP_NOOP:
		return NULL;
	case ZUFS_OP_LOOKUP:
		cookie = ((const struct zufs_ioc_lookup *)hdr)->zus_ii;
		break;
	case ZUFS_OP_NEW_INODE:
		cookie = ((const struct zufs_ioc_new_inode *)hdr)->zus_ii;
		break;
	case ZUFS_OP_IGET:
		cookie = ((const struct zufs_ioc_iget *)hdr)->zus_ii;
		break;
	case ZUFS_OP_RENAME:
		cookie = ((const struct zufs_ioc_rename *)hdr)->old_zus_ii;
		break;
	default:	/* all others have it right behind the header */
		cookie = ((const struct zufs_ioc_evict_inode *)hdr)->zus_ii;
	}
	return raw_node_peek(cookie);
}

void raw_msg_label(const struct zufs_ioc_hdr *hdr, char *label)
{
	const struct zufs_str *str = NULL;
	struct raw_node *node;

	memset(label, 0, RAW_NAME_SIZE);
	if (hdr->operation == ZUFS_OP_LOOKUP)
		str = &((const struct zufs_ioc_lookup *)hdr)->str;
	else if (hdr->operation == ZUFS_OP_NEW_INODE)
		str = &((const struct zufs_ioc_new_inode *)hdr)->str;
	if (str) {
		memcpy(label, str->name, str->len);
		return;
	}
	node = raw_msg_node(hdr);
	if (node)
		memcpy(label, node->label, RAW_NAME_SIZE);
}
