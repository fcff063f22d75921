// SPDX-License-Identifier: BSD-2-Clause
/*
 * Super-blocks, the state of the set, the root block.
 *
 * The two super-blocks of a device say the same, but for what a running file system counts in them.
 * What a place outside of the devices is named for is found by those who claim it (claim.c).
 */
#include "tck.h"

#include <string.h>

/* From the sequence to the end of what is fixed. */
static bool agree(const struct tierfs_super *a, const struct tierfs_super *b)
{
	const size_t from = offsetof(struct tierfs_super, compat);
	const size_t to = offsetof(struct tierfs_super, errors);

	return !memcmp((const uint8_t *)a + from, (const uint8_t *)b + from, to - from);
}

static void check_copies(struct tck *c, const struct tierfs_image_dev *dev)
{
	static const char *const names[2] = { "first", "second" };
	struct tck_object super = tck_of(TIERFS_CHECK_SUPER, dev->given, 0);
	unsigned int i;

	if (!dev->super) {
		tck_error(c, super, "the device has no valid super-block: %s", dev->copies[0].why);
		return;
	}
	for (i = 0; i < 2; i++) {
		if (dev->copies[i].why)
			tck_error(c, super, "the %s copy: %s", names[i], dev->copies[i].why);
	}
	if (!dev->copies[0].why && !dev->copies[1].why &&
	    !agree(dev->copies[0].super, dev->copies[1].super))
		tck_error(c, super, "the two copies say different things");
}

static void check_features(struct tck *c, const struct tierfs_super *s, struct tck_object super)
{
	if (!(s->incompat & TIERFS_INCOMPAT_BASE))
		tck_error(c, super, "the feature bit of the base format is not set");
	if (s->compat & ~TIERFS_COMPAT_KNOWN || s->ro_compat & ~TIERFS_RO_COMPAT_KNOWN ||
	    s->incompat & ~TIERFS_INCOMPAT_KNOWN)
		tck_error(c, super,
			  "unknown features: compat %#llx, ro_compat %#llx, incompat %#llx",
			  (unsigned long long)(s->compat & ~TIERFS_COMPAT_KNOWN),
			  (unsigned long long)(s->ro_compat & ~TIERFS_RO_COMPAT_KNOWN),
			  (unsigned long long)(s->incompat & ~TIERFS_INCOMPAT_KNOWN));
}

static void check_member(struct tck *c, const struct tierfs_image_dev *dev)
{
	struct tck_object super = tck_of(TIERFS_CHECK_SUPER, dev->given, 0);
	const struct tierfs_super *s = dev->super, *first = c->img.super;

	check_features(c, s, super);
	if (tierfs_image_dev(&c->img, tierfs_image_place(dev, 0)) != dev)
		tck_error(c, super, "another device has the same id %u", s->dev_id);
	if (s->inode_slot != TIERFS_INODE_SLOT)
		tck_error(c, super, "inodes of %u bytes", s->inode_slot);
	if (memcmp(s->set_uuid, first->set_uuid, sizeof(s->set_uuid)))
		tck_error(c, super, "the device belongs to another set");
	if (s->dev_count != first->dev_count)
		tck_error(c, super, "it says %u devices, device 0 says %u", s->dev_count,
			  first->dev_count);
	if (!tck_is_zero(s->zero, sizeof(s->zero)))
		tck_error(c, super, "there is something where zeros should be");
}

bool tck_supers(struct tck *c)
{
	const struct tierfs_image *img = &c->img;
	uint32_t i, members = 0;

	for (i = 0; i < img->nr_devs; i++)
		check_copies(c, &img->devs[i]);
	if (!img->super) {
		tck_error(c, tck_of(TIERFS_CHECK_SET, 0, 0), "device 0 is not there");
		return false;
	}
	for (i = 0; i < img->nr_devs && img->devs[i].super; i++) {
		check_member(c, &img->devs[i]);
		members++;
	}
	if (members != img->super->dev_count)
		tck_error(c, tck_of(TIERFS_CHECK_SET, 0, 0), "there are %u devices of %u", members,
			  img->super->dev_count);
	c->result->blocks = img->blocks;
	return true;
}

/*
 * A mount writes a line of its number, and at its end another one with the same number. A line that
 * was never written is all zeros; a cut may leave one broken.
 */
static void check_lines(struct tck *c, const struct tierfs_state *s)
{
	unsigned int i, valid = 0;

	for (i = 0; i < 2; i++)
		valid += s[i].crc == tierfs_crc_tail(&s[i], sizeof(s[i]));
	if (valid == 2 && s[0].mount == s[1].mount && s[0].clean == s[1].clean)
		tck_error(c, tck_of(TIERFS_CHECK_STATE, 0, 0), "both lines say the same");
	for (i = 0; i < 2 && valid == 1; i++) {
		if (s[i].crc != tierfs_crc_tail(&s[i], sizeof(s[i])) &&
		    !tck_is_zero(&s[i], sizeof(s[i])))
			tck_tell(c, TIERFS_CHECK_NOTE, tck_of(TIERFS_CHECK_STATE, 0, 0),
				 "line %u is broken, the other one counts", i);
	}
}

bool tck_state(struct tck *c)
{
	const struct tierfs_state *s = tierfs_image_state(&c->img);
	struct tck_object state = tck_of(TIERFS_CHECK_STATE, 0, 0);

	if (!s) {
		tck_error(c, state, "no line is valid");
		return true;
	}
	check_lines(c, tierfs_image_at(&c->img, c->img.super->state_block << TIERFS_BLOCK_SHIFT,
				       2 * sizeof(*s)));
	c->result->mount = s->mount;
	c->result->clean = s->clean == 1;
	if (s->clean > 1 || s->reserved || !tck_is_zero(s->zero, sizeof(s->zero)))
		tck_error(c, state, "there is something where zeros should be");
	return true;
}

bool tck_root(struct tck *c)
{
	const struct tierfs_root *r = tierfs_image_root(&c->img);
	struct tck_object root = tck_of(TIERFS_CHECK_ROOT, 0, 0);

	if (!r) {
		tck_error(c, root, "the block is not on the device");
		return false;
	}
	if (r->crc != tierfs_crc_head(r, sizeof(*r)))
		tck_error(c, root, "bad checksum");
	if (!tck_is_zero(r->zero, sizeof(r->zero)))
		tck_error(c, root, "there is something where zeros should be");
	return true;
}
