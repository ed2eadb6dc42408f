#pragma once
// Pictures beside the prompt: IP-Adapters, each with the picture that it looks at. A request cannot
// name one without the other, so that a new row is the section's own until it has its picture.

#include "app/panels/sections/list_section.h"
#include "pipelines/request/ip_adapter_choice.h"

#include <functional>
#include <optional>

namespace kinora::app {

class IpAdapterSection : public ListSection {
  public:
    explicit IpAdapterSection(const Parts& parts);
    std::vector<std::string_view> parameters() const override {
        return {"ipAdapter", "imageEncoder"};
    }
    // Goes to the last one; without any, the only one that is here and fits is taken.
    QString usePicture(const std::filesystem::path& file) override;

  protected:
    size_t count() const override;
    EntryRow* makeRow(size_t index) override;
    void add(core::CompanionKind kind, const std::string& name) override;
    void remove(size_t index) override;
    void refresh() override;
    QString summary() const override;
    QStringList marks() const override;

  private:
    pipelines::IpAdapterChoice choiceAt(size_t index) const;
    void change(size_t index, const std::function<void(pipelines::IpAdapterChoice&)>& change,
                const QString& undoText, const QString& key = {});

    std::optional<pipelines::IpAdapterChoice> m_draft; // behind those of the request
    ParameterField* m_encoder;
};

} // namespace kinora::app
