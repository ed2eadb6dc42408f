#pragma once
// LoRAs of the request, with their weights and the words that they want in the prompt.

#include "app/panels/sections/list_section.h"

namespace kinora::app {

class LoraSection : public ListSection {
  public:
    explicit LoraSection(const Parts& parts);
    std::vector<std::string_view> parameters() const override { return {"lora"}; }

  protected:
    size_t count() const override { return request().loras.size(); }
    EntryRow* makeRow(size_t index) override;
    void add(core::CompanionKind kind, const std::string& name) override;
    void remove(size_t index) override;
    QString summary() const override;
    QStringList marks() const override;
};

} // namespace kinora::app
