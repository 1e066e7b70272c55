// WebP through libwebp: the first picture of an animation as well, on an empty canvas.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "fovea/data/decoders.h"
#include "fovea/data/orientation.h"
#include "fovea/io/fail.h"

namespace fovea {
namespace {

struct Delete {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
};

// A file's parts, and the first of its pictures.
class WebpReader {
 public:
  explicit WebpReader(std::span<const std::byte> bytes) {
    const WebPData data = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    demuxer_.reset(WebPDemuxPartial(&data, &state));
    found_ = demuxer_ != nullptr && WebPDemuxGetFrame(demuxer_.get(), 1, &first_) != 0;
    ended_ = state == WEBP_DEMUX_PARSING_HEADER || (found_ && first_.complete == 0) ||
             (demuxer_ != nullptr && !found_);
  }
  ~WebpReader() { WebPDemuxReleaseIterator(&first_); }
  WebpReader(const WebpReader&) = delete;
  WebpReader& operator=(const WebpReader&) = delete;

  bool has_first() const { return found_; }
  // The file has, before the first picture was whole.
  bool ended() const { return ended_; }
  const WebPIterator& first() const { return first_; }
  int width() const { return feature(WEBP_FF_CANVAS_WIDTH); }
  int height() const { return feature(WEBP_FF_CANVAS_HEIGHT); }
  bool has_alpha() const { return (feature(WEBP_FF_FORMAT_FLAGS) & ALPHA_FLAG) != 0; }
  int orientation() const {
    WebPChunkIterator chunk = {};
    int orientation = 1;
    if (WebPDemuxGetChunk(demuxer_.get(), "EXIF", 1, &chunk) != 0) {
      orientation = exif_orientation(std::as_bytes(std::span(chunk.chunk.bytes, chunk.chunk.size)));
    }
    WebPDemuxReleaseChunkIterator(&chunk);
    return orientation;
  }

 private:
  int feature(WebPFormatFeature which) const {
    return static_cast<int>(WebPDemuxGetI(demuxer_.get(), which));
  }

  std::unique_ptr<WebPDemuxer, Delete> demuxer_;
  WebPIterator first_ = {};
  bool found_ = false;
  bool ended_ = false;
};

const char* to_string(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "not enough memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "an unknown feature";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the file ends too early";
    default:
      return "wrong data";
  }
}

// Puts the first picture at its place on the canvas.
VP8StatusCode decode_first(const WebpReader& reader, Decoded& canvas) {
  const WebPIterator& first = reader.first();
  const int channels = canvas.has_alpha ? 4 : 3;
  const size_t stride = size_t{1} * channels * canvas.width;
  const size_t begin = first.y_offset * stride + size_t{1} * channels * first.x_offset;
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return VP8_STATUS_UNSUPPORTED_FEATURE;
  config.output.colorspace = canvas.has_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = canvas.samples.data() + begin;
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size = canvas.samples.size() - begin;
  const WebPData& data = first.fragment;
  const std::unique_ptr<WebPIDecoder, Delete> decoder(WebPIDecode(nullptr, 0, &config));
  return decoder == nullptr ? VP8_STATUS_OUT_OF_MEMORY
                            : WebPIUpdate(decoder.get(), data.bytes, data.size);
}

}  // namespace

Decoded decode_webp(std::span<const std::byte> bytes, const std::string& name,
                    const ReadOptions& options) {
  const WebpReader reader(bytes);
  if (!reader.has_first() || (reader.ended() && !options.accept_truncated)) {
    fail("{}: broken WebP: {}", name, reader.ended() ? "the file ends too early" : "wrong data");
  }
  check_image_size(reader.width(), reader.height(), name, options.max_pixels);
  Decoded picture{.width = reader.width(),
                  .height = reader.height(),
                  .has_alpha = options.background && reader.has_alpha(),
                  .orientation = reader.orientation()};
  picture.samples.resize(size_t{picture.has_alpha ? 4U : 3U} * picture.width * picture.height);
  const VP8StatusCode status = decode_first(reader, picture);
  const bool cut = status == VP8_STATUS_SUSPENDED && options.accept_truncated;
  if (status != VP8_STATUS_OK && !cut) fail("{}: broken WebP: {}", name, to_string(status));
  return picture;
}

}  // namespace fovea
