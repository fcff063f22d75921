// SPDX-License-Identifier: BSD-2-Clause
/*
 * A plugin whose binary is older than libzus: it has the first layouts of the table and of the
 * arguments, spelled out here and never changed, and does by itself what functions of the headers
 * did then. For test_plugin.c: it must load and work with every later libzus of the same
 * ZUS_PLUGIN_ABI. One directory, one file "old" of two pages, whose first is a block and whose
 * second is a hole.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <zuf/zus_api.h>

#define OLD_CAPS	(ZUFS_FSC_NIO_READS | ZUFS_FSC_NIO_WRITES)

struct old_md {
	uint8_t *t1;
	uint64_t t1_blocks;
};

struct old_ii;

struct old_sb {
	const void *env;
	const struct old_md *md;
	const void *plugin;
	void *type;
	uint64_t kern_id;
	struct old_ii *root;
	uint32_t fs_caps;
	uint32_t blocksize_bits;
	uint64_t core[4];
};
ZUFS_STATIC_ASSERT(sizeof(struct old_sb) == 88);

struct old_ii {
	struct old_sb *sb;
	struct zus_inode *zi;
	uint32_t refs;
	uint32_t reserved;
};

struct old_mount {
	const char *options;
};

struct old_name {
	const char *str;
	uint8_t len;
};

struct old_io {
	void *buf;
	uint64_t pos;
	uint64_t len;
	uint64_t rw;
	uint32_t ret_flags;
	uint32_t unmap_offset;
	uint32_t unmap_len;
	uint32_t iom_room;
	struct zufs_ioc_IO *msg;
};

struct old_blocks {
	uint64_t pos;
	uint64_t len;
	uint64_t rw;
	uint64_t cookie;
	uint32_t ret_flags;
	uint32_t n;
	uint32_t max;
	uint32_t large;
	uint64_t *words;
	struct old_io *io;
};

struct old_ops {
	int (*mount)(struct old_sb *sb, const struct old_mount *m);
	void (*to_new_inode[4])(void);
	int (*new_inode)(struct old_ii *dir, const void *args, struct old_ii **ii);
	void (*to_lookup[2])(void);
	int (*lookup)(struct old_ii *dir, const struct old_name *name, struct old_ii **ii);
	void (*to_read[6])(void);
	ssize_t (*read)(struct old_ii *ii, struct old_io *io);
	void (*to_get_blocks[2])(void);
	int (*get_blocks)(struct old_ii *ii, struct old_blocks *b);
	void (*put_blocks)(struct old_ii *ii, const struct old_blocks *b);
	void (*to_end[17])(void);
};
ZUFS_STATIC_ASSERT(sizeof(struct old_ops) == 296);

struct old_plugin {
	uint32_t abi_version;
	uint32_t size;
	uint32_t ops_size;
	uint32_t sb_size;
	const char *name;
	struct register_fs_info info;
	const struct old_ops *ops;
	void *ddbg_start;
	void *ddbg_stop;
};
ZUFS_STATIC_ASSERT(sizeof(struct old_plugin) == 104);

struct old_super {
	struct old_sb sb;
	struct old_ii root;
	struct old_ii file;
};

static void make_inode(struct old_sb *sb, struct old_ii *ii, uint64_t ino, uint16_t mode)
{
	struct zus_inode *zi = (struct zus_inode *)(sb->md->t1 + 4096) + ino;

	memset(zi, 0, sizeof(*zi));
	zi->i_ino = ino;
	zi->i_mode = mode;
	zi->i_nlink = 2;
	zi->i_size = 8192;
	*ii = (struct old_ii){ .sb = sb, .zi = zi, .refs = 1 };
}

static int old_mount(struct old_sb *sb, const struct old_mount *m)
{
	struct old_super *s = (struct old_super *)sb;

	make_inode(sb, &s->root, 1, S_IFDIR | 0755);
	make_inode(sb, &s->file, 2, S_IFREG | 0644);
	memset(sb->md->t1 + 2 * 4096, 'o', 4096);
	sb->root = &s->root;
	sb->fs_caps = strcmp(m->options, "mapped") ? OLD_CAPS : 0;
	return 0;
}

static int old_new_inode(struct old_ii *dir, const void *args, struct old_ii **ii)
{
	(void)dir, (void)args, (void)ii;
	return -EROFS;
}

static int old_lookup(struct old_ii *dir, const struct old_name *name, struct old_ii **ii)
{
	struct old_super *s = (struct old_super *)dir->sb;

	if (name->len != 3 || memcmp(name->str, "old", 3))
		return -ENOENT;
	*ii = &s->file;
	return 0;
}

/* By the mapped window: the message is where it was. */
static ssize_t old_read(struct old_ii *ii, struct old_io *io)
{
	(void)ii;
	if (io->msg->hdr.operation != ZUFS_OP_READ || io->msg->filepos != io->pos)
		return -EIO;
	memset(io->buf, 'm', io->len);
	return (ssize_t)io->len;
}

/* The words are written as zus_blocks_add() of then did. */
static int old_get_blocks(struct old_ii *ii, struct old_blocks *b)
{
	uint64_t page = b->pos >> 12, end = (b->pos + b->len + 4095) >> 12;

	(void)ii;
	if (b->io->pos != b->pos || b->max < end - page || b->n || b->large)
		return -EIO;
	for (; page < end; page++)
		b->words[b->n++] = zufs_iom_pack(IOM_T1_READ,
						zufs_dpp_from_block(page ? 0 : 2, ZUFS_POOL_T1));
	b->cookie = 77;
	return 0;
}

static void old_put_blocks(struct old_ii *ii, const struct old_blocks *b)
{
	struct old_super *s = (struct old_super *)ii->sb;

	/* seen by the test as a link count */
	if (b->cookie == 77 && b->n && zufs_dpp_block(zufs_iom_val(b->words[0])) == 2)
		s->file.zi->i_nlink++;
}

static const struct old_ops old_ops = {
	.mount = old_mount,
	.new_inode = old_new_inode,
	.lookup = old_lookup,
	.read = old_read,
	.get_blocks = old_get_blocks,
	.put_blocks = old_put_blocks,
};

extern const struct old_plugin old_plugin __asm__("zus_plugin")
	__attribute__((visibility("default")));

const struct old_plugin old_plugin = {
	.abi_version = 1,
	.size = sizeof(struct old_plugin),
	.ops_size = sizeof(struct old_ops),
	.sb_size = sizeof(struct old_super),
	.name = "old",
	.info = {
		.fsname = "old",
		.FS_magic = 0x01d,
		.FS_ver_major = 1,
		.notused = ZUFS_REG_NODEV_OK | ZUFS_S_NODUMP,
		.s_maxbytes = 1 << 20,
		.s_time_gran = 1,
	},
	.ops = &old_ops,
};
