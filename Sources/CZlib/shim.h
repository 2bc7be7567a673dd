#include <zlib.h>

// `deflateInit2` is a macro, which Swift doesn't see. 16 more bits of window mean gzip's header and trailer.
static inline int sampan_gzip_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

// A negative window means neither header nor trailer.
static inline int sampan_deflate_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}

static inline int sampan_inflate_init(z_stream *stream, int is_bare) {
    return inflateInit2(stream, is_bare ? -15 : 15 + 16);
}
