#include "sluice/http/fetched.h"

namespace sluice::http {

OwnedFields::OwnedFields(FieldsView fields) {
    lines_.reserve(fields.size());
    for (const FieldView field : fields) {
        FieldLine line;
        line.name_offset = static_cast<std::uint32_t>(octets_.size());
        line.name_octets = static_cast<std::uint32_t>(field.name.size());
        octets_.append(field.name);
        line.value_offset = static_cast<std::uint32_t>(octets_.size());
        line.value_octets = static_cast<std::uint32_t>(field.value.size());
        octets_.append(field.value);
        lines_.push_back(line);
    }
}

}  // namespace sluice::http
