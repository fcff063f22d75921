// SPDX-License-Identifier: BSD-2-Clause
/*
 * rule.c - which message is answered wrongly, and how
 *
 *	op=NAME|any [file=LABEL] [nth=N] [count=N] do=ACTION[:ARG] ...
 *
 * The rule is used for the nth and the following messages of that operation (of
 * that file), count of them in all (0 = for ever). The operation is executed
 * first, then its answer is spoiled in the order of the actions; "err" and "retry"
 * replace the execution. Actions: the tables. Mount messages are operations
 * too: M_MOUNT, M_UMOUNT, M_REMOUNT, DDBG_RD, DDBG_WR. RIDER is what came along behind another
 * message, after its execution; "any" is none. What takes threads and memory away is in
 * havoc.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "spoil.h"

#define MAX_RULES	64
#define MAX_ACTIONS	6
#define ARG_SIZE	160
#define OP_ANY		0xffff

struct raw_rule {
	unsigned int op;
	char file[RAW_NAME_SIZE];
	unsigned long nth, count, seen;
	bool for_ever;
	unsigned int nr_actions;
	const struct raw_action *actions[MAX_ACTIONS];
	char args[MAX_ACTIONS][ARG_SIZE];
};

static struct raw_rule rules[MAX_RULES];
static unsigned int nr_rules;

static const struct {
	unsigned int op;
	const char *name;
} op_names[] = {
	{ OP_ANY, "any" },
	{ ZUFS_OP_BREAK, "BREAK" },
#define OP(name) { ZUFS_OP_##name, #name },
	ZUFS_OPS(OP)
#undef OP
	{ RAW_OP_RIDER, "RIDER" },
	{ RAW_OP_MOUNT_BASE + ZUFS_M_MOUNT, "M_MOUNT" },
	{ RAW_OP_MOUNT_BASE + ZUFS_M_UMOUNT, "M_UMOUNT" },
	{ RAW_OP_MOUNT_BASE + ZUFS_M_REMOUNT, "M_REMOUNT" },
	{ RAW_OP_MOUNT_BASE + ZUFS_M_DDBG_RD, "DDBG_RD" },
	{ RAW_OP_MOUNT_BASE + ZUFS_M_DDBG_WR, "DDBG_WR" },
};

const char *raw_op_name(unsigned int op)
{
	size_t i;

	for (i = 0; i < sizeof(op_names) / sizeof(op_names[0]); i++)
		if (op_names[i].op == op)
			return op_names[i].name;
	return "UNKNOWN";
}

static int op_number(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(op_names) / sizeof(op_names[0]); i++)
		if (!strcmp(op_names[i].name, name))
			return (int)op_names[i].op;
	return -1;
}

static bool is_mount(const struct spoil *s)
{
	return s->op == RAW_OP_MOUNT_BASE + ZUFS_M_MOUNT;
}

static struct zufs_mount_info *mount_info(const struct spoil *s)
{
	return &((struct zufs_ioc_mount *)s->hdr)->zmi;
}

long long raw_number(const char *text)
{
	return *text == '-' ? strtoll(text, NULL, 0) : (long long)strtoull(text, NULL, 0);
}

/* ---- the header ---- */

static void do_err(struct spoil *s)
{
	s->hdr->err = (int32_t)raw_number(s->arg);
}

static void do_outlen(struct spoil *s)
{
	s->hdr->out_len = (uint16_t)raw_number(s->arg);
}

static void do_outmax(struct spoil *s)
{
	s->hdr->out_max = (uint16_t)raw_number(s->arg);
}

static void do_outstart(struct spoil *s)
{
	s->hdr->out_start = (uint16_t)raw_number(s->arg);
}

static void do_inlen(struct spoil *s)
{
	s->hdr->in_len = (uint16_t)raw_number(s->arg);
}

static void do_operation(struct spoil *s)
{
	s->hdr->operation = (uint16_t)raw_number(s->arg);
}

static void do_flags(struct spoil *s)
{
	s->hdr->flags = (uint16_t)raw_number(s->arg);
}

/* All that the caller takes back gets one value. */
static void do_fill(struct spoil *s)
{
	size_t end = (size_t)s->hdr->out_start + s->hdr->out_max;

	if (end < s->hdr->in_len)
		end = s->hdr->in_len;
	if (end > sizeof(*s->hdr))
		memset(s->hdr + 1, (int)raw_number(s->arg), end - sizeof(*s->hdr));
}

/* ---- cookies and pointers ---- */

static uint64_t wild_dpp(const char *arg, uint64_t good)
{
	if (!strcmp(arg, "wild"))
		return 0x7fffffffff000ULL;
	if (!strcmp(arg, "huge"))
		return ~7ULL;
	if (!strcmp(arg, "pool"))
		return good | 3;
	if (!strcmp(arg, "unaligned"))
		return good + 56;	/* a multiple of 8, but no inode starts there */
	return (uint64_t)raw_number(arg);
}

static void do_zi(struct spoil *s)
{
	struct zufs_ioc_new_inode *ni = (void *)s->hdr;
	struct zufs_ioc_lookup *lookup = (void *)s->hdr;
	struct zufs_ioc_iget *iget = (void *)s->hdr;

	if (is_mount(s))
		mount_info(s)->_zi = wild_dpp(s->arg, mount_info(s)->_zi);
	else if (s->op == ZUFS_OP_LOOKUP)
		lookup->_zi = wild_dpp(s->arg, lookup->_zi);
	else if (s->op == ZUFS_OP_NEW_INODE)
		ni->_zi = wild_dpp(s->arg, ni->_zi);
	else if (s->op == ZUFS_OP_IGET)
		iget->_zi = wild_dpp(s->arg, iget->_zi);
}

static void do_ii(struct spoil *s)
{
	if (is_mount(s))
		mount_info(s)->zus_ii = (uint64_t)raw_number(s->arg);
	else if (s->op == ZUFS_OP_LOOKUP)
		((struct zufs_ioc_lookup *)s->hdr)->zus_ii = (uint64_t)raw_number(s->arg);
	else if (s->op == ZUFS_OP_NEW_INODE)
		((struct zufs_ioc_new_inode *)s->hdr)->zus_ii = (uint64_t)raw_number(s->arg);
	else if (s->op == ZUFS_OP_IGET)
		((struct zufs_ioc_iget *)s->hdr)->zus_ii = (uint64_t)raw_number(s->arg);
}

/* Nobody will tell us of the end of this mount: forget it at once. */
static void do_sbi(struct spoil *s)
{
	struct raw_fs *fs;

	raw_lock();
	fs = raw_fs_of(mount_info(s)->zus_sbi);
	if (fs)
		raw_fs_destroy(fs);
	raw_unlock();
	mount_info(s)->zus_sbi = (uint64_t)raw_number(s->arg);
}

static void do_bits(struct spoil *s)
{
	mount_info(s)->s_blocksize_bits = (uint32_t)raw_number(s->arg);
}

static void do_caps(struct spoil *s)
{
	mount_info(s)->fs_caps = (uint32_t)raw_number(s->arg);
}

/* ---- the shared inode ---- */

static struct zus_inode *spoiled_inode(struct spoil *s)
{
	struct raw_node *node = is_mount(s) ? raw_node_peek(mount_info(s)->zus_ii) :
					      raw_msg_node(s->hdr);
	static struct zus_inode nobody;

	if (!node)
		return &nobody;
	raw_node_spoil(node);
	return node->zi;
}

#define SPOIL_FIELD(action_, field_)					\
static void do_##action_(struct spoil *s)				\
{									\
	struct zus_inode *zi = spoiled_inode(s);			\
									\
	zi->field_ = (__typeof__(zi->field_))raw_number(s->arg);		\
}
SPOIL_FIELD(nlink, i_nlink)
SPOIL_FIELD(size, i_size)
SPOIL_FIELD(mode, i_mode)
SPOIL_FIELD(ino, i_ino)
SPOIL_FIELD(uid, i_uid)
SPOIL_FIELD(gid, i_gid)
SPOIL_FIELD(blocks, i_blocks)
SPOIL_FIELD(mtime, i_mtime)
SPOIL_FIELD(generation, i_generation)
SPOIL_FIELD(inode_flags, i_flags)
SPOIL_FIELD(sym, i_sym_dpp)

/* ---- I/O ---- */

static void do_lastpos(struct spoil *s)
{
	struct zufs_ioc_IO *io = (void *)s->hdr;

	if (*s->arg == '=')
		io->last_pos = (uint64_t)raw_number(s->arg + 1);
	else
		io->last_pos += (uint64_t)raw_number(s->arg + (*s->arg == '+'));
}

static void do_iomn(struct spoil *s)
{
	((struct zufs_ioc_IO *)s->hdr)->ziom.iom_n = (uint32_t)raw_number(s->arg);
}

static void do_iommax(struct spoil *s)
{
	((struct zufs_ioc_IO *)s->hdr)->ziom.iom_max = (uint32_t)raw_number(s->arg);
}

/* Every word of the list becomes this one. */
static void do_word(struct spoil *s)
{
	struct zufs_ioc_IO *io = (void *)s->hdr;
	uint64_t *words = ZUFS_TAIL(io, iom_e);
	uint32_t i;

	for (i = 0; i < io->ziom.iom_n && i < 1024; i++)
		words[i] = (uint64_t)raw_number(s->arg);
}

static void do_retflags(struct spoil *s)
{
	((struct zufs_ioc_IO *)s->hdr)->ret_flags |= (uint32_t)raw_number(s->arg);
}

static void do_wrunmap(struct spoil *s)
{
	struct zufs_ioc_IO *io = (void *)s->hdr;

	io->wr_unmap.offset = (uint32_t)raw_number(s->arg);
	io->wr_unmap.len = ~0U;
}

#define RETRY_COOKIE	0x7265747279ULL	/* any number but 0 */

/* Asks for a list of these words, separated by commas, and to be called again. */
static void do_retry(struct spoil *s)
{
	struct zufs_ioc_IO *io = (void *)s->hdr;
	uint64_t *words = ZUFS_TAIL(io, iom_e);
	const char *next = s->arg;
	uint32_t n = 0;

	while (next) {
		words[n++] = (uint64_t)raw_number(next);
		next = strchr(next, ',');
		if (next)
			next++;
	}
	io->ziom.iomb = RETRY_COOKIE;
	io->ziom.iom_max = n;
	io->ziom.iom_n = n;
	s->hdr->out_len = (uint16_t)zufs_io_size(n);
	s->hdr->err = -EZUFS_RETRY;
}

bool raw_rule_restarted(struct zufs_ioc_hdr *hdr)
{
	struct zufs_ioc_IO *io = (void *)hdr;

	switch (hdr->operation) {
	case ZUFS_OP_READ:
	case ZUFS_OP_PRE_READ:
	case ZUFS_OP_WRITE:
	case ZUFS_OP_FALLOCATE:
	case ZUFS_OP_GET_MULTY:
		break;
	default:
		return false;
	}
	if (io->ziom.iomb != RETRY_COOKIE)
		return false;
	io->ziom.iomb = 0;
	return true;
}

/* ---- readdir ---- */

static void emit(struct zufs_readdir_iter *it, uint64_t ino, uint64_t pos, const char *name,
		 uint8_t len)
{
	zufs_zde_emit(it, ino, 8, pos, name, len);
}

static void do_readdir(struct spoil *s)
{
	struct zufs_ioc_readdir *msg = (void *)s->hdr;
	char *buf = raw_app_data(s->zt, s->hdr);
	uint64_t pos = msg->pos;
	struct zufs_readdir_iter it;

	if (!buf)
		return;
	memset(buf, !strcmp(s->arg, "full") ? 0xff : 0, s->hdr->len);
	zufs_readdir_iter_init(&it, msg, buf);
	msg->more = 0;
	if (!strcmp(s->arg, "long")) {
		emit(&it, 7, 5, "short", 5);
		it.__zde->ino = 8;
		it.__zde->zstr.len = 255;
		/* the last entry begins where no long one fits */
		memset(buf + s->hdr->len - 24, 0xfe, 24);
	} else if (!strcmp(s->arg, "stuck")) {
		emit(&it, 7, 5, "stuck", 5);
		msg->more = 1;
		msg->pos = 5;
	} else if (!strcmp(s->arg, "back")) {
		emit(&it, 7, 9, "nine", 4);
		emit(&it, 8, 3, "three", 5);
	} else if (!strcmp(s->arg, "more")) {
		msg->more = 1;
		msg->pos = pos;
	} else if (!strcmp(s->arg, "huge")) {
		msg->more = 1;
		msg->pos = ~0ULL;
	} else if (!strcmp(s->arg, "slash")) {
		emit(&it, 7, 5, "../x", 4);
	} else if (!strcmp(s->arg, "nul")) {
		emit(&it, 7, 5, "a\0b", 3);
	} else if (!strcmp(s->arg, "ino0")) {
		emit(&it, 0, 5, "zero", 4);
	}
}

/* ---- fiemap, ioctl ---- */

/* So many extents, each of its kind; "many" and "over" say more than were asked for. */
static void do_extents(struct spoil *s)
{
	struct zufs_ioc_fiemap *msg = (void *)s->hdr;
	struct fiemap_extent *e = (void *)raw_app_data(s->zt, s->hdr);
	uint32_t i;

	msg->extents_mapped = msg->extents_max;
	if (!strcmp(s->arg, "many"))
		msg->extents_mapped++;
	if (!strcmp(s->arg, "over"))
		msg->extents_mapped += 100000;
	for (i = 0; e && i < msg->extents_max; i++, e++) {
		e->fe_logical = msg->start + i;
		e->fe_physical = 0;
		e->fe_length = 1;
		e->fe_flags = 0;
		if (!strcmp(s->arg, "empty"))
			e->fe_length = 0;
		else if (!strcmp(s->arg, "same"))
			e->fe_logical = msg->start;
		else if (!strcmp(s->arg, "before"))
			e->fe_logical = msg->start - 2;
		else if (!strcmp(s->arg, "behind"))
			e->fe_logical = msg->start + msg->length;
		else if (!strcmp(s->arg, "wraps"))
			e->fe_length = ~0ULL;
		else if (!strcmp(s->arg, "flags"))
			e->fe_flags = ~1U;
	}
	/* the question is rewritten, so that the answer fits it */
	if (!strcmp(s->arg, "over"))
		msg->extents_max = msg->extents_mapped;
}

/* UFLAGS,SIZE: asks for the message once more. */
static void do_request(struct spoil *s)
{
	struct zufs_ioc_ioctl *msg = (void *)s->hdr;
	const char *size = strchr(s->arg, ',');

	msg->uflags = (uint32_t)raw_number(s->arg);
	msg->new_size = size ? (uint32_t)raw_number(size + 1) : 0;
	s->hdr->out_len = 8;
	s->hdr->err = -EZUFS_RETRY;
}

/* ---- xattr ---- */

/* The size that GET or LIST says, whatever it has brought. */
static void do_xsize(struct spoil *s)
{
	((struct zufs_ioc_xattr *)s->hdr)->user_buf_size = (uint32_t)raw_number(s->arg);
}

/* The value or list is these bytes, in hex; only their number if that was asked for. */
static void do_xvalue(struct spoil *s)
{
	struct zufs_ioc_xattr *msg = (void *)s->hdr;
	unsigned char *buf = ZUFS_TAIL(msg, buf);
	size_t n = strlen(s->arg) / 2, i, room = msg->user_buf_size;
	unsigned int byte;

	msg->hdr.err = 0;
	msg->user_buf_size = (uint32_t)n;
	if (!room)
		return;
	for (i = 0; i < n && sscanf(s->arg + 2 * i, "%2x", &byte) == 1; i++)
		buf[i] = (unsigned char)byte;
	msg->hdr.out_len = (uint16_t)(sizeof(msg->user_buf_size) + n);
}

static const struct raw_action action_table[] = {
	{ "err", do_err, true }, { "fail", do_err, false },
	{ "outlen", do_outlen, false }, { "outmax", do_outmax, false },
	{ "outstart", do_outstart, false }, { "inlen", do_inlen, false },
	{ "operation", do_operation, false }, { "flags", do_flags, false },
	{ "fill", do_fill, false }, { "zi", do_zi, false }, { "ii", do_ii, false },
	{ "sbi", do_sbi, false }, { "bits", do_bits, false }, { "caps", do_caps, false },
	{ "nlink", do_nlink, false }, { "size", do_size, false }, { "mode", do_mode, false },
	{ "ino", do_ino, false }, { "uid", do_uid, false }, { "gid", do_gid, false },
	{ "blocks", do_blocks, false }, { "mtime", do_mtime, false },
	{ "generation", do_generation, false }, { "inode_flags", do_inode_flags, false },
	{ "sym", do_sym, false }, { "lastpos", do_lastpos, false },
	{ "iomn", do_iomn, false }, { "iommax", do_iommax, false },
	{ "word", do_word, false }, { "retflags", do_retflags, false },
	{ "wrunmap", do_wrunmap, false }, { "retry", do_retry, true },
	{ "readdir", do_readdir, false },
	{ "extents", do_extents, false }, { "request", do_request, true },
	{ "xsize", do_xsize, false }, { "xvalue", do_xvalue, true },
	{ NULL, NULL, false },
};

/* ---- the list ---- */

static const struct raw_action *find_action(const struct raw_action *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

static bool add_action(struct raw_rule *rule, char *word)
{
	char *colon = strchr(word, ':');
	const struct raw_action *action;

	if (colon)
		*colon = 0;
	action = find_action(action_table, word);
	if (!action)
		action = find_action(raw_havoc_actions, word);
	if (!action || rule->nr_actions == MAX_ACTIONS)
		return false;
	snprintf(rule->args[rule->nr_actions], sizeof(rule->args[0]), "%s",
		 colon ? colon + 1 : "0");
	rule->actions[rule->nr_actions++] = action;
	return true;
}

static bool set_word(struct raw_rule *rule, char *word)
{
	char *value = strchr(word, '=');
	int op;

	if (!value)
		return false;
	*value++ = 0;
	if (!strcmp(word, "op")) {
		op = op_number(value);
		rule->op = (unsigned int)op;
		return op > 0;
	}
	if (!strcmp(word, "file"))
		return snprintf(rule->file, sizeof(rule->file), "%s", value) > 0;
	if (!strcmp(word, "nth"))
		return (rule->nth = strtoul(value, NULL, 0)) > 0;
	if (!strcmp(word, "count")) {
		rule->count = strtoul(value, NULL, 0);
		rule->for_ever = !rule->count;
		return true;
	}
	return !strcmp(word, "do") && add_action(rule, value);
}

int raw_rule_add(char *text, FILE *out)
{
	struct raw_rule rule = { .nth = 1, .count = 1 };
	char *word, *rest = text;

	while ((word = strtok_r(rest, " ", &rest))) {
		if (!set_word(&rule, word)) {
			fprintf(out, "error: bad rule near \"%s\"\n", word);
			return -1;
		}
	}
	if (!rule.op || !rule.nr_actions || nr_rules == MAX_RULES) {
		fprintf(out, "error: a rule needs op= and do=, and there is room for %d\n",
			MAX_RULES);
		return -1;
	}
	rules[nr_rules++] = rule;
	return 0;
}

void raw_rules_clear(void)
{
	nr_rules = 0;
}

void raw_rule_only(char *text, FILE *out)
{
	raw_rules_clear();
	raw_heal_all();
	raw_rule_add(text, out);
}

static bool counts(struct raw_rule *rule)
{
	rule->seen++;
	return rule->seen >= rule->nth &&
	       (rule->for_ever || rule->seen < rule->nth + rule->count);
}

struct raw_rule *raw_rule_match(unsigned int op, const struct zufs_ioc_hdr *hdr)
{
	char label[RAW_NAME_SIZE] = "";
	unsigned int i;

	if (!nr_rules)
		return NULL;
	if (op < RAW_OP_MOUNT_BASE)
		raw_msg_label(hdr, label);
	for (i = 0; i < nr_rules; i++) {
		if (rules[i].op != op && (rules[i].op != OP_ANY || op == RAW_OP_RIDER))
			continue;
		if (rules[i].file[0] && strcmp(rules[i].file, label))
			continue;
		if (counts(&rules[i]))
			return &rules[i];
	}
	return NULL;
}

bool raw_rule_replaces(const struct raw_rule *rule)
{
	unsigned int i;

	for (i = 0; rule && i < rule->nr_actions; i++)
		if (rule->actions[i]->replaces)
			return true;
	return false;
}

void raw_rule_apply(struct raw_rule *rule, unsigned int op, struct raw_zt *zt,
		    struct zufs_ioc_hdr *hdr)
{
	struct raw_rule copy = *rule;	/* rules may be cleared meanwhile */
	struct spoil s = { .op = op, .zt = zt, .hdr = hdr };
	unsigned int i;

	for (i = 0; i < copy.nr_actions; i++) {
		s.arg = copy.args[i];
		copy.actions[i]->run(&s);
	}
}
